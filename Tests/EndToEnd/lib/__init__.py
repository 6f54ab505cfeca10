"""What the end-to-end tests share: starting etlx, making databases and documents, reading what was published."""
