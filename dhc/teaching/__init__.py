"""The course: which lessons there are, their words in each language, the numbers in those words. No Streamlit."""
