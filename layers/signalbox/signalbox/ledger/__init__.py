"""The record of every request, in one transaction with the limits that it holds parts of."""
