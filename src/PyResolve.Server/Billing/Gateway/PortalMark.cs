namespace PyResolve.Server.Billing.Gateway;

/// <summary>In the metadata of a portal configuration that <c>stripe setup</c> made: its kind, and the prices that it offers.</summary>
internal static class PortalMark
{
    public const string Key = "made_by";

    /// <summary>Grows with what setup puts into a configuration. The first kind made downgrades at once.</summary>
    private const string Kind = "pyresolve/2";

    public static string For(IEnumerable<StripePrice> prices) => $"{Kind} {string.Join(' ', prices.Select(static price => price.Id))}";

    public static bool IsOurs(StripePortalConfiguration configuration) =>
        configuration.Metadata?.GetValueOrDefault(Key)?.StartsWith("pyresolve", StringComparison.Ordinal) == true;

    public static bool IsFor(StripePortalConfiguration configuration, IEnumerable<StripePrice> prices) =>
        configuration.Metadata?.GetValueOrDefault(Key) == For(prices);
}
