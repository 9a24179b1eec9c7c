"""The readers' questions, a file a group, each with its answer and its proof."""
