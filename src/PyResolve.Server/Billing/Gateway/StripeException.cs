namespace PyResolve.Server.Billing.Gateway;

/// <summary>Stripe refused, did not answer, or answered what cannot be read. The message never holds a key or a body.</summary>
internal sealed class StripeException(string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>null where there was no answer.</summary>
    public int? Status { get; init; }

    /// <summary><c>api_error</c>, <c>card_error</c>, <c>idempotency_error</c>, <c>invalid_request_error</c>, or a newer word.</summary>
    public string? Type { get; init; }

    public string? Code { get; init; }

    public string? Param { get; init; }

    public string? RequestId { get; init; }

    /// <summary>The customer has a subscription, invoice item or the like in another currency. Stripe has no code for it.</summary>
    public bool IsOfCurrency => Status == 400 && Message.Contains("combine currencies", StringComparison.OrdinalIgnoreCase);

    /// <summary>A price was archived.</summary>
    public bool IsOfInactivePrice => Status == 400 && Param?.StartsWith("line_items", StringComparison.Ordinal) == true
        && Message.Contains("inactive", StringComparison.OrdinalIgnoreCase);

    /// <summary>A meter has an event of this identifier. Stripe has no code for it.</summary>
    public bool IsOfKnownIdentifier =>
        Status == 400 && Message.Contains("already exists with identifier", StringComparison.OrdinalIgnoreCase);

    public bool IsMissing => Code == "resource_missing";

    /// <summary>Whether Stripe may repeat this answer for a day under the same idempotency key, even if its cause has been fixed.</summary>
    public bool IsKeptUnderKey => Status is not (null or 409 or 429);

    public bool IsTransient => Status is null or 409 or 429 or >= 500;
}
