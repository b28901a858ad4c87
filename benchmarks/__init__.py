"""How near our paths come to their limits: `make bench`, or `make bench NAME=booking-rule`. See README.md."""
