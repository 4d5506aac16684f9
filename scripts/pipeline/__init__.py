"""What the workflows in ``.github/workflows`` run: each step that decides something is a command here, so that it can
be tested without GitHub.
"""
