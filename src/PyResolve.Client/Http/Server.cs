namespace PyResolve.Client;

/// <summary>One address of the service.</summary>
/// <param name="url">The address.</param>
/// <param name="settings">The proxy and the time limit of a connection.</param>
/// <param name="connects">Whether <see cref="HttpDefaults"/> made the handler; otherwise nothing is known about its proxy.</param>
internal sealed class Server(Uri url, ClientSettings settings, bool connects)
{
    private const long Never = long.MinValue;
    private long _failedAt = Never;
    private volatile bool _hangs;

    public Uri Url => url;

    /// <summary>The address without a slash at its end.</summary>
    public string Root { get; } = url.AbsoluteUri.TrimEnd('/');

    public Uri? Proxy => connects ? ServerProxy.AddressFor(settings, url) : null;

    public ConnectionFailure Failure => field ??= new(Root, connects ? settings.ConnectTimeout : null, () => Proxy);

    /// <summary>When it last failed, as a timestamp of the clock; <see langword="null"/> when it has answered since, or never failed.
    /// </summary>
    public long? FailedAt
    {
        get => Interlocked.Read(ref _failedAt) is not Never and var at ? at : null;
        set => Interlocked.Exchange(ref _failedAt, value ?? Never);
    }

    /// <summary>Whether it failed by not answering in time: asking it again costs most.</summary>
    public bool Hangs
    {
        get => _hangs;
        set => _hangs = value;
    }
}
