"""The policy in the browser: versions, drafts, activation, agreement."""
