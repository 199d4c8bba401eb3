namespace PyResolve.Client;

/// <summary>The options with every default filled in and every rule checked.</summary>
internal sealed record ClientSettings(
    Uri ApiUrl,
    string? ApiKey,
    string Home,
    TimeSpan RequestTimeout,
    TimeSpan QuotaCacheDuration,
    int OutboxCapacity,
    long OutboxBytes,
    TimeSpan ShutdownTimeout,
    OfflinePolicy Offline,
    int PrepaidMigrations,
    TimeSpan PrepaidLifetime)
{
    public static Uri DefaultApiUrl { get; } = new("https://api.pyresolve.dev");

    private static TimeSpan LongestWait { get; } = TimeSpan.FromMinutes(10);

    private static TimeSpan ShortestLease { get; } = TimeSpan.FromMinutes(1);

    private static TimeSpan LongestLease { get; } = TimeSpan.FromDays(7);

    public static void ThrowIfMistaken(PyResolveClientOptions options)
    {
        if (Mistake(options) is { } mistake)
            throw Invalid(mistake);
    }

    /// <summary>From options that have been checked.</summary>
    public static ClientSettings From(PyResolveClientOptions options, ApiKeyStore keys)
    {
        var found = options.ApiUrl is null ? keys.FindApiUrl() : null;
        var url = options.ApiUrl ?? found?.Url ?? DefaultApiUrl;
        if (UrlMistake(url, options.AllowInsecureHttp) is { } urlMistake)
            throw Invalid($"{(found is null ? "ApiUrl" : found.Origin)} {urlMistake}");

        var credential = Blank(options.ApiKey) ? keys.FindApiKey() : null;
        var key = Blank(options.ApiKey) ? credential?.Key : options.ApiKey!.Trim();
        if (key is not null && !Guard.IsVisibleAscii(key))
            throw Invalid($"{(credential is null ? "ApiKey" : credential.Origin)} holds characters that no key has; copy the whole key again, without quotes.");
        return new(
            url, key, keys.Home, options.RequestTimeout, options.QuotaCacheDuration, options.OutboxCapacity, options.OutboxBytes, options.ShutdownTimeout,
            options.Offline, options.PrepaidMigrations, options.PrepaidLifetime);
    }

    /// <summary>What is wrong with the options as they stand, before environment and file are read.</summary>
    public static string? Mistake(PyResolveClientOptions options) => options switch
    {
        { ApiUrl: { } url } when UrlMistake(url, options.AllowInsecureHttp) is { } mistake => $"ApiUrl {mistake}",
        { ApiKey: { } key } when !Blank(key) && !Guard.IsVisibleAscii(key.Trim()) =>
            "ApiKey holds characters that no key has; copy the whole key again, without quotes.",
        { Home: { } home } when Blank(home) => "Home is empty; name a folder, or leave it unset for ~/.pyresolve.",
        { Profile: { } profile } when !ApiKeyStore.IsProfile(profile) => "Profile must be 1 to 64 letters, digits, - and _.",
        { RequestTimeout: var timeout } when timeout <= TimeSpan.Zero || timeout > LongestWait =>
            "RequestTimeout must be more than zero and at most 10 minutes.",
        { QuotaCacheDuration: var duration } when duration < TimeSpan.Zero || duration > LongestWait =>
            "QuotaCacheDuration must lie between zero and 10 minutes.",
        { OutboxCapacity: < 1 or > 1_000_000 } => "OutboxCapacity must lie between 1 and 1000000.",
        { OutboxBytes: < 1024 or > 1024 * 1024 * 1024 } => "OutboxBytes must lie between 1024 (1 KiB) and 1073741824 (1 GiB).",
        { ShutdownTimeout: var timeout } when timeout < TimeSpan.Zero || timeout > LongestWait =>
            "ShutdownTimeout must lie between zero and 10 minutes.",
        { Offline: not (OfflinePolicy.Lease or OfflinePolicy.Allow or OfflinePolicy.Deny) } => "Offline must be Lease, Allow or Deny.",
        { PrepaidMigrations: < 0 or > 1000 } => "PrepaidMigrations must lie between 0 and 1000.",
        { PrepaidLifetime: var lifetime } when lifetime < ShortestLease || lifetime > LongestLease =>
            "PrepaidLifetime must lie between 1 minute and 7 days.",
        _ => null,
    };

    private static string? UrlMistake(Uri url, bool allowInsecureHttp)
    {
        if (!url.IsAbsoluteUri || (url.Scheme != "https" && url.Scheme != "http"))
            return "is not an absolute http or https URL; write it as https://api.pyresolve.dev.";
        if (url.UserInfo.Length > 0)
            return "carries a user name; leave it out, the key is the only credential.";
        if (url.Query.Length > 0 || url.Fragment.Length > 0)
            return "carries a query or a fragment; leave it out.";
        if (url.Scheme == "http" && !url.IsLoopback && !allowInsecureHttp)
            return $"would send the key unencrypted to {url.Host}; use https, or set AllowInsecureHttp if that network is yours alone.";
        return null;
    }

    /// <summary>The server alone, so that the key never reaches a log.</summary>
    public override string ToString() => $"{nameof(ClientSettings)} {ApiUrl}";

    private static bool Blank(string? text) => string.IsNullOrWhiteSpace(text);

    private static PyResolveException Invalid(string message) => new(PyResolveErrorCodes.InvalidConfiguration, message);
}
