"""What a Rayon user relies on, fact by fact, on pools of every size and on processes."""
