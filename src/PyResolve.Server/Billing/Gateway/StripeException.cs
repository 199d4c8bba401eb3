namespace PyResolve.Server.Billing.Gateway;

/// <summary>Stripe refused a request, did not answer it, or answered what cannot be read. Never holds a key.</summary>
internal sealed class StripeException(string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>The answer's status; <see langword="null"/> where there was none.</summary>
    public int? Status { get; init; }

    /// <summary><c>api_error</c>, <c>card_error</c>, <c>idempotency_error</c>, <c>invalid_request_error</c>, or a newer word.</summary>
    public string? Type { get; init; }

    public string? Code { get; init; }

    public string? Param { get; init; }

    public string? DeclineCode { get; init; }

    /// <summary>Finds the request in Stripe's dashboard.</summary>
    public string? RequestId { get; init; }

    /// <summary>The thing named is not there, in this mode or at all.</summary>
    public bool IsMissing => Code == "resource_missing";

    /// <summary>Whether Stripe may say the same again for a day under the same idempotency key, whatever has been mended meanwhile.</summary>
    public bool IsRemembered => Status is not (null or 409 or 429);

    /// <summary>Whether the same request may succeed later without anybody mending anything.</summary>
    public bool MayPass => Status is null or 409 or 429 or >= 500;
}
