"""What the tables say: queries, figures made of them, and the figures as text. Reads only."""
