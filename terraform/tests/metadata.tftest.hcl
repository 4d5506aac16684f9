mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  table_name = "images-test"
}

run "as_it_comes" {
  command = plan

  module {
    source = "./modules/metadata"
  }

  assert {
    condition     = aws_dynamodb_table.this.billing_mode == "PAY_PER_REQUEST"
    error_message = "Not on demand."
  }

  assert {
    condition     = aws_dynamodb_table.this.point_in_time_recovery[0].enabled && aws_dynamodb_table.this.point_in_time_recovery[0].recovery_period_in_days == 35
    error_message = "It can not be restored."
  }

  assert {
    condition     = aws_dynamodb_table.this.server_side_encryption[0].enabled && aws_dynamodb_table.this.deletion_protection_enabled
    error_message = "Not encrypted by KMS, or not protected."
  }

  assert {
    condition     = one(aws_dynamodb_table.this.ttl).enabled && one(aws_dynamodb_table.this.ttl).attribute_name == "ttl"
    error_message = "Nothing expires."
  }
}

run "a_throw_away_table_is_not_protected" {
  command = plan

  module {
    source = "./modules/metadata"
  }

  variables {
    deletion_protection = false
  }

  assert {
    condition     = !aws_dynamodb_table.this.deletion_protection_enabled
    error_message = "destroy would be refused."
  }
}

run "refuses_bad_values_1" {
  command = plan

  module {
    source = "./modules/metadata"
  }

  variables {
    # table name with a slash
    table_name = "images/test"
    # recovery of a year
    recovery_days = 365
  }

  expect_failures = [var.table_name, var.recovery_days]
}

run "refuses_table_name_too_short" {
  command = plan

  module {
    source = "./modules/metadata"
  }

  variables {
    # table name too short
    table_name = "ab"
  }

  expect_failures = [var.table_name]
}
