"""Files that hold translations in other ways than line by line: each format becomes a stream of records."""
