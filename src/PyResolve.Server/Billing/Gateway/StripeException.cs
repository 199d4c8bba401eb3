namespace PyResolve.Server.Billing.Gateway;

/// <summary>Stripe refused, did not answer, or answered what cannot be read. The message never holds a key or a body.</summary>
internal sealed class StripeException(string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>The status of the answer; null where there was none.</summary>
    public int? Status { get; init; }

    /// <summary>
    /// Stripe's word for the kind of error: <c>api_error</c>, <c>card_error</c>, <c>idempotency_error</c>, <c>invalid_request_error</c>, or
    /// a newer one.
    /// </summary>
    public string? Type { get; init; }

    public string? Code { get; init; }

    public string? Param { get; init; }

    public string? RequestId { get; init; }

    /// <summary>Whether the customer has a subscription, invoice item or the like in another currency. Stripe has no code for it.</summary>
    public bool IsOfCurrency => Status == 400 && Message.Contains("combine currencies", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether the call named a price that was archived.</summary>
    public bool IsOfInactivePrice => Status == 400 && Param?.StartsWith("line_items", StringComparison.Ordinal) == true
        && Message.Contains("inactive", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether the meter has an event of this identifier already. Stripe has no code for it.</summary>
    public bool IsOfKnownIdentifier =>
        Status == 400 && Message.Contains("already exists with identifier", StringComparison.OrdinalIgnoreCase);

    public bool IsMissing => Code == "resource_missing";

    /// <summary>Whether Stripe may repeat this answer for a day under the same idempotency key, even if its cause has been fixed.</summary>
    public bool IsKeptUnderKey => Status is not (null or 409 or 429);

    public bool IsTransient => Status is null or 409 or 429 or >= 500;
}
