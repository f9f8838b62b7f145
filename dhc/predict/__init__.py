"""A saved run's answers for new pictures; Keras only in `network`, in a process of its own."""
