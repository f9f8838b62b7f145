"""The Predict screen: a person's own pictures, asked of one run or several."""
