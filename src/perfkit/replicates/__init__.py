"""A run's replicates, each measured in processes of its own: what is asked for, what there is time for, what again."""
