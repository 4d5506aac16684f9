# CloudFront for the stored images, opened by its own signed URLs and cookies. The bucket stays private: CloudFront signs its
# requests (origin access control), and the bucket's policy lets this one distribution read images/.

resource "aws_cloudfront_origin_access_control" "this" {
  name                              = var.name
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

# versionId is part of what is cached. A URL without it shows a replaced image for a minute at most.
resource "aws_cloudfront_cache_policy" "this" {
  name        = "${var.name}-versions"
  min_ttl     = 0
  default_ttl = 60
  max_ttl     = 31536000

  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_brotli = false # images are compressed already
    enable_accept_encoding_gzip   = false

    query_strings_config {
      query_string_behavior = "whitelist"
      query_strings {
        items = ["versionId"]
      }
    }

    headers_config {
      header_behavior = "none"
    }

    cookies_config {
      cookie_behavior = "none"
    }
  }
}

resource "aws_cloudfront_response_headers_policy" "this" {
  #checkov:skip=CKV_AWS_259:TLS for a year is asked for; preloading is a promise for the whole domain, not this module's to give.
  name = "${var.name}-images"

  security_headers_config {
    content_type_options {
      override = true
    }

    content_security_policy {
      content_security_policy = "default-src 'none'; sandbox"
      override                = true
    }

    strict_transport_security {
      access_control_max_age_sec = 31536000
      override                   = true
    }
  }
}

resource "aws_cloudfront_distribution" "this" {
  #checkov:skip=CKV_AWS_68:A firewall is a choice (var.web_acl_arn): signed GETs of static files give it little to look at.
  #checkov:skip=CKV2_AWS_47:The same; nothing behind this distribution runs Log4j, or runs at all.
  #checkov:skip=CKV_AWS_86:The bucket's access log has what reaches the bucket; CloudFront's own log needs a bucket with ACLs.
  #checkov:skip=CKV_AWS_305:There is no page at /: every address is an image's.
  #checkov:skip=CKV_AWS_310:One bucket is the origin; its replica in another region is for recovery, not for reading.
  #checkov:skip=CKV_AWS_374:Who may read is said by signatures, not by countries.
  enabled         = true
  comment         = "Images in ${var.bucket.name}"
  aliases         = [var.domain_name]
  is_ipv6_enabled = true
  http_version    = "http2and3"
  price_class     = var.price_class
  web_acl_id      = var.web_acl_arn

  origin {
    origin_id                = "images"
    domain_name              = var.bucket.regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.this.id
  }

  default_cache_behavior {
    target_origin_id           = "images"
    viewer_protocol_policy     = "https-only"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    cache_policy_id            = aws_cloudfront_cache_policy.this.id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.this.id
    trusted_key_groups         = var.key_group_ids
  }

  viewer_certificate {
    acm_certificate_arn      = var.certificate_arn
    minimum_protocol_version = "TLSv1.2_2021"
    ssl_support_method       = "sni-only"
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }
}
