namespace PyResolve.Server.Billing.Gateway;

/// <summary>Stripe refused a request, did not answer it, or answered what cannot be read. The message never holds a key or a body.</summary>
internal sealed class StripeException(string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>The HTTP status; <see langword="null"/> where there was no answer.</summary>
    public int? Status { get; init; }

    /// <summary><c>api_error</c>, <c>card_error</c>, <c>idempotency_error</c>, <c>invalid_request_error</c>, or a newer word.</summary>
    public string? Type { get; init; }

    public string? Code { get; init; }

    public string? Param { get; init; }

    /// <summary>Finds the request in Stripe's dashboard.</summary>
    public string? RequestId { get; init; }

    /// <summary>The object does not exist, in this mode or at all.</summary>
    public bool IsMissing => Code == "resource_missing";

    /// <summary>Whether Stripe may repeat this answer for a day under the same idempotency key, even if its cause has been fixed.</summary>
    public bool IsKeptUnderKey => Status is not (null or 409 or 429);

    /// <summary>Whether the same request may succeed later without anybody fixing anything.</summary>
    public bool IsTransient => Status is null or 409 or 429 or >= 500;
}
