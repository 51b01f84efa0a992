"""What `make bench` measures. Figures are printed beside a baseline of the same run; nothing is asserted."""
