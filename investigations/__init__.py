"""ReconSOC: reconnaissance alerts investigated, decided and explained."""
