namespace PyResolve.Client;

/// <summary>The stable codes that the client itself puts in <see cref="PyResolveException.Code"/> and <see cref="QuotaDenial.Code"/>. The
/// server's codes are in <see cref="Wire.ProblemCodes"/>.</summary>
public static class PyResolveErrorCodes
{
    /// <summary>No connection, or a connection that broke before the answer was complete.</summary>
    public const string Unreachable = "unreachable";

    /// <summary>No answer within <see cref="PyResolveClientOptions.RequestTimeout"/>.</summary>
    public const string Timeout = "timeout";

    /// <summary>The answer is not one of a PyResolve server: it comes from a proxy, a captive portal or another service.</summary>
    public const string UnexpectedAnswer = "unexpected_answer";

    /// <summary>The server is out of reach, and no prepaid migration covers the request; or nothing can be prepaid.</summary>
    public const string Offline = "offline";

    /// <summary>The outcome of a permit cannot be kept for a server that is out of reach, because the outbox is full or cannot be written.
    /// Or events that a flush did not send are not safe from a power cut.</summary>
    public const string NotReported = "not_reported";

    /// <summary>A usage event waited for over 35 days and was not sent, because the server accepts nothing older.</summary>
    public const string TooOld = "too_old";

    /// <summary>Usage events on disk can no longer be read. Their file is kept.</summary>
    public const string Damaged = "damaged";

    /// <summary>An API key is required, and none is configured.</summary>
    public const string LoginRequired = "login_required";

    /// <summary>The client is switched off: <see cref="PyResolveClientOptions.Enabled"/> is false.</summary>
    public const string Disabled = "disabled";

    /// <summary>An option, an environment variable or a setting of the config file has an invalid value.</summary>
    public const string InvalidConfiguration = "invalid_configuration";

    /// <summary>The config file is not valid TOML, or cannot be read or written.</summary>
    public const string ConfigFile = "config_file";
}
