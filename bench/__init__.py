"""What is measured, side by side with its peers; each module runs as `make bench NAME=<module>`."""
