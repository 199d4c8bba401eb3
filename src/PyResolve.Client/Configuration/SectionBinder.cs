using System.Globalization;
using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace PyResolve.Client;

/// <summary>Reads the options from a section of the configuration, without reflection and without the package that does it.</summary>
internal static class SectionBinder
{
    private static readonly string[] ProxySchemes = ["http", "https", "socks4", "socks4a", "socks5"];

    private delegate bool Parse<T>(string text, out T value);

    /// <exception cref="OptionsValidationException">A value cannot be read. The message has its path, and not the value, which may be a
    /// secret.</exception>
    public static void Bind(IConfigurationSection section, PyResolveClientOptions options)
    {
        Text(nameof(options.ApiKey), text => options.ApiKey = text);
        Text(nameof(options.Home), text => options.Home = text);
        Text(nameof(options.Profile), text => options.Profile = text);
        Text(nameof(options.ApplicationName), text => options.ApplicationName = text);
        Text(nameof(options.LogInHint), text => options.LogInHint = text);
        Value<IReadOnlyList<Uri>>(nameof(options.ApiUrl), TryUrls, urls => options.ApiUrls = urls);
        Value<Uri>(nameof(options.SignUpUrl), TryUrl, url => options.SignUpUrl = url);
        Value<Uri>(nameof(options.UpgradeUrl), TryUrl, url => options.UpgradeUrl = url);
        Value<bool>(nameof(options.Enabled), bool.TryParse, flag => options.Enabled = flag);
        Value<bool>(nameof(options.AllowInsecureHttp), bool.TryParse, flag => options.AllowInsecureHttp = flag);
        Value<TimeSpan>(nameof(options.RequestTimeout), TryTime, time => options.RequestTimeout = time);
        Value<TimeSpan>(nameof(options.ConnectTimeout), TryTime, time => options.ConnectTimeout = time);
        Value<IWebProxy>(nameof(options.Proxy), TryProxy, proxy => options.Proxy = proxy);
        Value<TimeSpan>(nameof(options.QuotaCacheDuration), TryTime, time => options.QuotaCacheDuration = time);
        Value<TimeSpan>(nameof(options.ShutdownTimeout), TryTime, time => options.ShutdownTimeout = time);
        Value<TimeSpan>(nameof(options.PrepaidLifetime), TryTime, time => options.PrepaidLifetime = time);
        Value<long>(nameof(options.OutboxCapacity), TryNumber, number => options.OutboxCapacity = Limited(number));
        Value<long>(nameof(options.OutboxBytes), TryNumber, number => options.OutboxBytes = number);
        Value<long>(nameof(options.PrepaidMigrations), TryNumber, number => options.PrepaidMigrations = Limited(number));
        Value<OfflinePolicy>(nameof(options.Offline), TryPolicy, policy => options.Offline = policy);

        void Text(string name, Action<string> set)
        {
            if (section[name] is { } text)
                set(text);
        }

        void Value<T>(string name, Parse<T> parse, Action<T> set)
        {
            if (section[name]?.Trim() is not { Length: > 0 } text)
                return;
            if (!parse(text, out var value))
            {
                throw new OptionsValidationException(
                    Options.DefaultName,
                    typeof(PyResolveClientOptions),
                    [$"{section.Path}:{name} has a value that cannot be read.{HowToWrite(typeof(T))}"]);
            }

            set(value);
        }
    }

    private static string HowToWrite(Type type) =>
        type == typeof(TimeSpan) ? " " + ClientSettings.HowToWriteDurations
        : type == typeof(IWebProxy) ? " Write it as http://proxy.example:3128."
        : "";

    private static bool TryProxy(string text, out IWebProxy proxy)
    {
        var isProxy = Uri.TryCreate(text, UriKind.Absolute, out var url) && ProxySchemes.Contains(url.Scheme) && url.Host.Length > 0;
        proxy = isProxy ? new WebProxy(url) : new WebProxy();
        return isProxy;
    }

    /// <summary>Out of range: the check of the options says which range.</summary>
    private static int Limited(long number) => number is >= int.MinValue and <= int.MaxValue ? (int)number : -1;

    private static bool TryUrl(string text, out Uri url) => Uri.TryCreate(text, UriKind.RelativeOrAbsolute, out url!);

    /// <summary>One address, or several that are separated by commas. The check of the options says what is wrong with one.</summary>
    private static bool TryUrls(string text, out IReadOnlyList<Uri> urls)
    {
        var written = ApiUrlList.Split(text);
        urls = [.. written.Where(static one => TryUrl(one, out _)).Select(static one => new Uri(one, UriKind.RelativeOrAbsolute))];
        return urls.Count == written.Count && urls.Count > 0;
    }

    private static bool TryTime(string text, out TimeSpan time) => TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out time);

    private static bool TryNumber(string text, out long number) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    private static bool TryPolicy(string text, out OfflinePolicy policy) => Enum.TryParse(text, ignoreCase: true, out policy);
}
