mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name            = "images-test"
  bucket          = { name = "acme-images", regional_domain_name = "acme-images.s3.eu-central-1.amazonaws.com" }
  domain_name     = "cdn.example.org"
  certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/11111111-1111-1111-1111-111111111111"
  key_group_ids   = ["11111111-1111-1111-1111-111111111111"]
}

run "as_it_comes" {
  command = plan

  module {
    source = "./modules/delivery"
  }

  assert {
    condition     = aws_cloudfront_distribution.this.default_cache_behavior[0].trusted_key_groups == tolist(var.key_group_ids)
    error_message = "Everybody who knows an address may read."
  }

  assert {
    condition     = aws_cloudfront_origin_access_control.this.signing_behavior == "always"
    error_message = "The bucket would have to be public."
  }

  assert {
    condition     = aws_cloudfront_distribution.this.default_cache_behavior[0].viewer_protocol_policy == "https-only"
    error_message = "Plain HTTP is served."
  }

  assert {
    condition     = aws_cloudfront_cache_policy.this.parameters_in_cache_key_and_forwarded_to_origin[0].query_strings_config[0].query_strings[0].items == toset(["versionId"])
    error_message = "A version could be answered with another one."
  }
}

run "refuses_bad_values_1" {
  command = plan

  module {
    source = "./modules/delivery"
  }

  variables {
    # name of the distribution empty
    name = ""
    # bucket without host
    bucket = { name = "acme-images", regional_domain_name = "" }
    # cdn domain with a path
    domain_name = "cdn.example.org/images"
    # certificate of another region
    certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/11111111-1111-1111-1111-111111111111"
    # images for everybody
    key_group_ids = []
    # unknown price class
    price_class = "PriceClass_50"
    # regional firewall
    web_acl_arn = "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/a/b"
  }

  expect_failures = [
    var.name,
    var.bucket,
    var.domain_name,
    var.certificate_arn,
    var.key_group_ids,
    var.price_class,
    var.web_acl_arn,
  ]
}
