"""Drawing that knows no run: charts, galleries, rankings, and their JavaScript."""
