using System.Net;
using Microsoft.Extensions.Logging;

namespace PyResolve.Client;

internal sealed record ClientSettings(
    IReadOnlyList<Uri> ApiUrls, string? ApiKey, string Home, TimeSpan RequestTimeout, TimeSpan QuotaCacheDuration, int OutboxCapacity,
    long OutboxBytes, TimeSpan ShutdownTimeout, OfflinePolicy Offline, int PrepaidMigrations, TimeSpan PrepaidLifetime)
{
    public const string HowToWriteDurations = "Ten seconds are TimeSpan.FromSeconds(10) in code and 00:00:10 in configuration.";

    public TimeSpan ConnectTimeout { get; private init; }

    /// <summary>The address, of several the first.</summary>
    public Uri ApiUrl => ApiUrls[0];

    /// <summary>The address that names folders: of several the first in the alphabet, so that their order does not matter.</summary>
    public Uri FolderUrl => ApiUrls.Count == 1 ? ApiUrl : ApiUrls.OrderBy(static url => url.AbsoluteUri, StringComparer.Ordinal).First();

    public IWebProxy? Proxy { get; private init; }

    public bool IsEnabled { get; private init; } = true;

    public string? ApplicationName { get; private init; }

    public string LogInHint { get; private init; } = "";

    public Uri? SignUpUrl { get; private init; }

    public Uri? UpgradeUrl { get; private init; }

    public ILoggerFactory? LoggerFactory { get; private init; }

    private static TimeSpan MaxDuration { get; } = TimeSpan.FromMinutes(10);

    private static TimeSpan MinPrepaidLifetime { get; } = TimeSpan.FromMinutes(1);

    private static TimeSpan MaxPrepaidLifetime { get; } = TimeSpan.FromDays(7);

    public static ClientSettings From(PyResolveClientOptions options, ApiKeyStore keys)
    {
        var isEnabled = options.Enabled;
        var found = options.ApiUrls is null && isEnabled ? keys.FindApiUrl() : null;
        var urls = options.ApiUrls ?? found?.Urls ?? [PyResolveClientOptions.DefaultApiUrl];
        if (ValidateUrls(found is null ? "ApiUrl" : found.Origin, urls, options.AllowInsecureHttp) is { } urlError)
            throw urlError;

        var credential = IsBlank(options.ApiKey) && isEnabled ? keys.FindApiKey() : null;
        var key = !isEnabled ? null : IsBlank(options.ApiKey) ? credential?.Key : options.ApiKey!.Trim();
        if (key is not null && ValidateKey(credential is null ? "ApiKey" : credential.Origin, key) is { } keyError)
            throw keyError;
        return new(
            Distinct(urls), key, keys.Home, options.RequestTimeout, options.QuotaCacheDuration, options.OutboxCapacity, options.OutboxBytes,
            options.ShutdownTimeout, options.Offline, options.PrepaidMigrations, options.PrepaidLifetime)
        {
            ConnectTimeout = options.ConnectTimeout,
            Proxy = options.Proxy,
            IsEnabled = isEnabled,
            ApplicationName = options.ApplicationName,
            LogInHint = options.LogInHint.Trim(),
            SignUpUrl = options.SignUpUrl,
            UpgradeUrl = options.UpgradeUrl,
            LoggerFactory = options.LoggerFactory,
        };
    }

    /// <summary>Checks only the options, before the environment and the config file are read.</summary>
    public static PyResolveException? Validate(PyResolveClientOptions options) => options switch
    {
        { ApiUrls: { } urls } when ValidateUrls("ApiUrl", urls, options.AllowInsecureHttp) is { } error => error,
        { ApiKey: { } key } when !IsBlank(key) && ValidateKey("ApiKey", key.Trim()) is { } error => error,
        { Home: { } home } when IsBlank(home) => Error("Home is empty.", "Set it to a folder, or leave it unset for ~/.pyresolve."),
        { Profile: { } profile } when !ApiKeyStore.IsProfile(profile) =>
            Error("Profile must be 1 to 64 characters: letters, digits, - and _."),
        { RequestTimeout: var timeout } when timeout <= TimeSpan.Zero || timeout > MaxDuration =>
            Duration("RequestTimeout must be more than zero and at most 10 minutes", timeout),
        { ConnectTimeout: var timeout } when timeout <= TimeSpan.Zero || timeout > MaxDuration =>
            Duration("ConnectTimeout must be more than zero and at most 10 minutes", timeout),
        { QuotaCacheDuration: var duration } when duration < TimeSpan.Zero || duration > MaxDuration =>
            Duration("QuotaCacheDuration must be from zero to 10 minutes", duration),
        { OutboxCapacity: < 1 or > 1_000_000 } => Error("OutboxCapacity must be from 1 to 1000000."),
        { OutboxBytes: < 1024 or > 1024 * 1024 * 1024 } => Error("OutboxBytes must be from 1024 (1 KiB) to 1073741824 (1 GiB)."),
        { ShutdownTimeout: var timeout } when timeout < TimeSpan.Zero || timeout > MaxDuration =>
            Duration("ShutdownTimeout must be from zero to 10 minutes", timeout),
        { ApplicationName: { } name } when !IsProduct(name) =>
            Error("ApplicationName must be 1 to 64 letters, digits, '-', '.' and '_'.", "Write it as mytool or mytool/1.2."),
        { LogInHint: null or "" } => Error("LogInHint is empty.", "Say what a user without a key should do."),
        { SignUpUrl: not { IsAbsoluteUri: true } } => Error("SignUpUrl must be an absolute URL."),
        { UpgradeUrl: { IsAbsoluteUri: false } } => Error("UpgradeUrl must be an absolute URL."),
        { Offline: not (OfflinePolicy.Lease or OfflinePolicy.Allow or OfflinePolicy.Deny) } =>
            Error("Offline must be Lease, Allow or Deny."),
        { PrepaidMigrations: < 0 or > 1000 } => Error("PrepaidMigrations must be from 0 to 1000."),
        { PrepaidLifetime: var lifetime } when lifetime < MinPrepaidLifetime || lifetime > MaxPrepaidLifetime =>
            Duration("PrepaidLifetime must be from 1 minute to 7 days", lifetime),
        _ => null,
    };

    private static PyResolveException? ValidateUrls(string name, IReadOnlyList<Uri> urls, bool allowInsecureHttp) => urls.Count == 0
        ? Error("ApiUrls is empty.", "Name a server, or leave it unset.")
        : urls.Select((url, i) => ValidateUrl(ApiUrlList.Name(name, i, urls.Count), url, allowInsecureHttp))
            .FirstOrDefault(static error => error is not null);

    /// <summary>An address that is written twice is one server.</summary>
    private static IReadOnlyList<Uri> Distinct(IReadOnlyList<Uri> urls) => urls.Count == 1
        ? urls
        : [.. urls.GroupBy(static url => url.AbsoluteUri.TrimEnd('/')).Select(static same => same.First())];

    private static PyResolveException? ValidateUrl(string name, Uri url, bool allowInsecureHttp)
    {
        if (url is not { IsAbsoluteUri: true } || (url.Scheme != "https" && url.Scheme != "http"))
            return Error($"{name} is not an absolute http or https URL.", "Write it as https://api.pyresolve.dev.");
        if (url.UserInfo.Length > 0)
            return Error($"{name} has a user name.", "Leave it out: the key is the only credential.");
        if (url.Query.Length > 0 || url.Fragment.Length > 0)
            return Error($"{name} has a query or a fragment.", "Leave it out.");
        if (url.Scheme == "http" && !Loopback.Is(url) && !allowInsecureHttp)
            return Error($"{name} would send the key unencrypted to {Loopback.ShownHost(url)}.", "Use https, or set AllowInsecureHttp.");

        return null;
    }

    /// <summary>A name, or a name and a version, as a header takes it.</summary>
    private static bool IsProduct(string name) =>
        name.Length is > 0 and <= 64 && name.Split('/') is { Length: 1 or 2 } parts
        && parts.All(static part => part.Length > 0 && part.All(static c => TomlText.IsBareCharacter(c) || c is '.' or '+'));

    private static PyResolveException? ValidateKey(string name, string key) => VisibleAscii.Is(key)
        ? null
        : Error($"{name} has characters that are not valid in a key.", "Copy the whole key again, without quotes.");

    /// <summary>Only the server, so that the key never reaches a log.</summary>
    public override string ToString() => $"{nameof(ClientSettings)} {string.Join(", ", ApiUrls)}";

    private static bool IsBlank(string? text) => string.IsNullOrWhiteSpace(text);

    private static PyResolveException Duration(string rule, TimeSpan value) =>
        Error(FormattableString.Invariant($"{rule}, and is {Words(value)}."), HowToWriteDurations);

    private static string Words(TimeSpan value) => value switch
    {
        _ when value < TimeSpan.FromMinutes(1) => FormattableString.Invariant($"{value.TotalSeconds:0.###} s"),
        _ when value < TimeSpan.FromDays(1) => FormattableString.Invariant($"{value.TotalMinutes:0.#} minutes"),
        _ => FormattableString.Invariant($"{value.TotalDays:0.##} days"),
    };

    private static PyResolveException Error(string cause, string? hint = null) =>
        new(PyResolveErrorCodes.InvalidConfiguration, cause, hint);
}
