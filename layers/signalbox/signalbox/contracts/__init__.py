"""The values that pass between the packages. Imports nothing else of ours."""
