"""How scorers read a text: words, sentences, quantities, and a small lexicon of our own."""
