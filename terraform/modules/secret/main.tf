# SECRET_KEY of the service. It is made by Secrets Manager and handed on while Terraform runs: neither the plan nor the
# state ever holds it.

ephemeral "aws_secretsmanager_random_password" "key" {
  password_length     = 64
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret" "key" {
  #checkov:skip=CKV_AWS_149:Encrypted with the account's key for Secrets Manager; nobody outside the account is to read it.
  #checkov:skip=CKV2_AWS_57:Rotated by key_version: cursors of listings signed with the former key end at that moment, which wants choosing.
  name                    = var.name
  description             = "SECRET_KEY of the image service"
  recovery_window_in_days = var.recovery_days
}

resource "aws_secretsmanager_secret_version" "key" {
  secret_id                = aws_secretsmanager_secret.key.id
  secret_string_wo         = ephemeral.aws_secretsmanager_random_password.key.random_password
  secret_string_wo_version = var.key_version
}
