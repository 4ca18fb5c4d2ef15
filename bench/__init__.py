"""Speed, side by side with peers. Nothing in `latimer` imports this."""
