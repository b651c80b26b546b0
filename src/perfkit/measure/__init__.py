"""What a case costs: answers first, then paired rounds."""
