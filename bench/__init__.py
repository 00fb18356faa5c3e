"""What incidentd costs, beside what it is compared with: `make bench`."""
