using System.Globalization;
using Npgsql;

namespace PyResolve.Server.Storage;

/// <summary>The settings after the question mark of <c>DATABASE_URL</c>, in libpq's names and those of hosting services.</summary>
internal static class DatabaseUrlSettings
{
    private static readonly (string Name, SslMode Value)[] SslModes =
    [
        ("disable", SslMode.Disable),
        ("allow", SslMode.Allow),
        ("prefer", SslMode.Prefer),
        ("require", SslMode.Require),
        ("verify-ca", SslMode.VerifyCA),
        ("verify-full", SslMode.VerifyFull),
    ];

    private static readonly (string Name, ChannelBinding Value)[] ChannelBindings =
        [("disable", ChannelBinding.Disable), ("prefer", ChannelBinding.Prefer), ("require", ChannelBinding.Require)];

    private static readonly (string Name, GssEncryptionMode Value)[] GssModes =
        [("disable", GssEncryptionMode.Disable), ("prefer", GssEncryptionMode.Prefer), ("require", GssEncryptionMode.Require)];

    /// <returns>Whether the setting says that the connection goes through a transaction pooler.</returns>
    public static bool Apply(NpgsqlConnectionStringBuilder builder, string name, string value)
    {
        switch (name)
        {
            case "sslmode":
                builder.SslMode = Choose(name, value, SslModes);
                break;
            case "ssl":
                builder.SslMode = Flag(name, value) ? SslMode.Require : SslMode.Disable;
                break;
            case "sslrootcert":
                builder.RootCertificate = value is "system" ? null : value;
                break;
            case "sslcert":
                builder.SslCertificate = value;
                break;
            case "sslkey":
                builder.SslKey = value;
                break;
            case "sslpassword":
                builder.SslPassword = value;
                break;
            case "channel_binding":
                builder.ChannelBinding = Choose(name, value, ChannelBindings);
                break;
            case "gssencmode":
                builder.GssEncryptionMode = Choose(name, value, GssModes);
                break;
            case "target_session_attrs":
                // The server writes: whichever of these it is, it needs the host that accepts writes.
                if (value is not ("any" or "read-write" or "primary" or "prefer-primary"))
                {
                    throw new FormatException(
                        $"DATABASE_URL has target_session_attrs={value}; the server writes, so it must be read-write or primary.");
                }

                break;
            case "load_balance_hosts":
                // Only one of them accepts writes.
                if (value is not ("random" or "disable"))
                    Flag(name, value);
                break;
            case "user":
                builder.Username = value;
                break;
            case "password":
                builder.Password = value;
                break;
            case "dbname":
                builder.Database = value;
                break;
            case "schema" or "search_path" or "currentSchema":
                builder.SearchPath = value;
                break;
            case "application_name":
                builder.ApplicationName = value;
                break;
            case "options":
                AddOption(builder, value);
                break;
            case "statement_timeout" or "lock_timeout" or "idle_in_transaction_session_timeout":
                var milliseconds = Number(name, value, 0, int.MaxValue, "of milliseconds");
                AddOption(builder, string.Create(CultureInfo.InvariantCulture, $"-c {name}={milliseconds}"));
                break;
            case "pool_size" or "connection_limit" or "max_pool_size" or "pool_max_conns":
                builder.MaxPoolSize = Number(name, value, 1, 1000);
                break;
            case "connect_timeout" or "pool_timeout":
                builder.Timeout = Math.Max(name is "pool_timeout" ? builder.Timeout : 0, Number(name, value, 0, 1024, "of seconds"));
                break;
            case "keepalives":
                builder.TcpKeepAlive = Flag(name, value);
                break;
            case "keepalives_idle":
                (builder.TcpKeepAlive, builder.TcpKeepAliveTime) = (true, Number(name, value, 1, 86_400, "of seconds"));
                break;
            case "keepalives_interval":
                (builder.TcpKeepAlive, builder.TcpKeepAliveInterval) = (true, Number(name, value, 1, 86_400, "of seconds"));
                break;
            case "pgbouncer":
                return Flag(name, value);
            case "client_encoding" when value.ToUpperInvariant() is "UTF8" or "UTF-8" or "AUTO":
            // Names the template that Supabase wrote the URL from, a rule for reading sslmode, and what the connection does in any case.
            case "supa" or "uselibpqcompat" or "prepareThreshold" or "keepalives_count" or "tcp_user_timeout"
                or "fallback_application_name":
                break;
            case "load_balance" or "topology_keys" or "yb_servers_refresh_interval":
                throw new FormatException(
                    $"DATABASE_URL has the setting {name} of a driver that finds the hosts by itself; remove it, and name the hosts: "
                    + "postgres://user:password@host1:5432,host2:5432/database.");
            case "sslcrl" or "passfile" or "service" or "requirepeer" or "krbsrvname" or "sslnegotiation" or "sslcertmode"
                or "require_auth":
                throw new FormatException($"DATABASE_URL has the setting {name}, which libpq has and this server has not; remove it.");
            default:
                throw new FormatException(
                    $"DATABASE_URL has the setting {name}, which is not supported; remove it. docs/hosting.md lists those that are.");
        }

        return false;
    }

    private static void AddOption(NpgsqlConnectionStringBuilder builder, string option) =>
        builder.Options = string.IsNullOrEmpty(builder.Options) ? option : $"{builder.Options} {option}";

    private static T Choose<T>(string name, string value, (string Name, T Value)[] choices)
        where T : struct
    {
        foreach (var choice in choices)
        {
            if (string.Equals(choice.Name, value, StringComparison.OrdinalIgnoreCase))
                return choice.Value;
        }

        var names = choices.Select(static choice => choice.Name).ToList();
        throw new FormatException(
            $"DATABASE_URL has {name}={value}; it must be {string.Join(", ", names.SkipLast(1))} or {names[^1]}.");
    }

    private static bool Flag(string name, string value) => value.ToLowerInvariant() switch
    {
        "true" or "1" or "on" or "yes" => true,
        "false" or "0" or "off" or "no" => false,
        _ => throw new FormatException($"DATABASE_URL has {name}={value}; it must be true or false."),
    };

    private static int Number(string name, string value, int lowest, int highest, string unit = "") =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= lowest && number <= highest
            ? number
            : throw new FormatException(
                $"DATABASE_URL has {name}={value}; it must be a number {(unit.Length > 0 ? $"{unit} " : "")}from {lowest} to {highest}.");
}
