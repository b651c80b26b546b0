"""The report as one HTML file that needs nothing else: no network, no server, no second file.

``page`` puts it together: ``overview`` and ``cases`` say what stands in the tables, ``points`` what the charts draw,
``charts`` how they look. Template, style and script are the files beside them.
"""
