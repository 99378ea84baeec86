"""What Postfix asks at SMTP time, and what the directory answers: may this sender send, may this recipient receive."""
