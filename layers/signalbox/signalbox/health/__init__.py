"""How the models have been doing: averages, cooling times and admission, learnt from real calls alone."""
