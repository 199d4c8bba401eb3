namespace PyResolve.Client;

/// <summary>The stable words that the client itself puts in <see cref="PyResolveException.Code"/> and <see cref="QuotaDenial.Code"/>. The
/// server's are in <see cref="Wire.ProblemCodes"/>.</summary>
public static class PyResolveErrorCodes
{
    /// <summary>No connection, or one that broke before the answer was there.</summary>
    public const string Unreachable = "unreachable";

    /// <summary>No answer within <see cref="PyResolveClientOptions.RequestTimeout"/>.</summary>
    public const string Timeout = "timeout";

    /// <summary>Something answered, and it does not speak PyResolve's contract: a proxy, a captive portal, another service.</summary>
    public const string UnexpectedAnswer = "unexpected_answer";

    /// <summary>The server is out of reach, and nothing prepaid covers the migration; or nothing can be prepaid.</summary>
    public const string Offline = "offline";

    /// <summary>The outcome of a permit cannot be kept for the server that is out of reach: the outbox is full, or cannot be written. Or what a flush did not send is not safe from a power cut.</summary>
    public const string NotReported = "not_reported";

    /// <summary>A usage event waited for over 35 days, and was not sent: the server takes nothing older.</summary>
    public const string TooOld = "too_old";

    /// <summary>Usage events that waited on disk cannot be read any more. Their file is kept.</summary>
    public const string Damaged = "damaged";

    /// <summary>An API key is needed, and none is configured.</summary>
    public const string LoginRequired = "login_required";

    /// <summary>An option, an environment variable or a line of the config file has an unusable value.</summary>
    public const string InvalidConfiguration = "invalid_configuration";

    /// <summary>The config file is not TOML, or cannot be read or written.</summary>
    public const string ConfigFile = "config_file";
}
