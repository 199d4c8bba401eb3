using System.Globalization;
using Npgsql;

namespace PyResolve.Server.Storage;

/// <summary>Such as <c>postgres://user:password@host:5432/database?sslmode=require</c>.</summary>
internal static class DatabaseUrl
{
    /// <summary>The port of Supabase's transaction pooler, which does not support prepared statements.</summary>
    private const int SupabasePoolerPort = 6543;

    /// <exception cref="FormatException">The message does not contain the password.</exception>
    public static string ToConnectionString(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("postgres" or "postgresql"))
            throw new FormatException("DATABASE_URL must look like postgres://user:password@host:5432/database.");
        if (uri.AbsolutePath.Length <= 1)
            throw new FormatException("DATABASE_URL names no database: end it with /database.");

        var userInfo = uri.UserInfo.Split(':', 2);
        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = uri.Host.Trim('[', ']'),
            Port = uri.Port > 0 ? uri.Port : 5432,
            Database = Uri.UnescapeDataString(uri.AbsolutePath[1..]),
            Username = userInfo[0].Length > 0 ? Uri.UnescapeDataString(userInfo[0]) : null,
            Password = userInfo.Length > 1 ? Uri.UnescapeDataString(userInfo[1]) : null,
            ApplicationName = "pyresolve",
            // Seconds. A request must not hang while the database is down, but answer 503.
            Timeout = 5,
            CommandTimeout = 15,
            // Further requests wait for a connection. By default PostgreSQL accepts 97, from all servers together.
            MaxPoolSize = 20,
            // Sessions have no state. Saves seven statements each time that a pooled connection is opened.
            NoResetOnClose = true,
        };
        var pooled = builder.Port == SupabasePoolerPort;
        foreach (var (name, value) in QueryOf(uri))
            pooled |= Apply(builder, name, value);
        if (string.IsNullOrEmpty(builder.Host))
            throw new FormatException("DATABASE_URL names no host: postgres://user:password@host:5432/database.");
        if (!pooled)
            builder.MaxAutoPrepare = 64;
        return builder.ToString();
    }

    private static IEnumerable<(string Name, string Value)> QueryOf(Uri uri) =>
        from pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries)
        let parts = pair.Split('=', 2)
        select (Uri.UnescapeDataString(parts[0]), parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : "");

    /// <returns>Whether the setting says that the connection goes through a transaction pooler.</returns>
    private static bool Apply(NpgsqlConnectionStringBuilder builder, string name, string value)
    {
        switch (name)
        {
            case "sslmode":
                builder.SslMode = value switch
                {
                    "disable" => SslMode.Disable,
                    "allow" => SslMode.Allow,
                    "prefer" => SslMode.Prefer,
                    "require" => SslMode.Require,
                    "verify-ca" => SslMode.VerifyCA,
                    "verify-full" => SslMode.VerifyFull,
                    _ => throw new FormatException(
                        $"DATABASE_URL has sslmode={value}; it must be disable, allow, prefer, require, verify-ca or verify-full."),
                };
                return false;
            case "channel_binding":
                builder.ChannelBinding = Enum.TryParse<ChannelBinding>(value, ignoreCase: true, out var binding)
                    ? binding
                    : throw new FormatException($"DATABASE_URL has channel_binding={value}; it must be disable, prefer or require.");
                return false;
            case "supa":
                // Names the template that Supabase wrote the URL from.
                return false;
            case "sslrootcert":
                builder.RootCertificate = value;
                return false;
            case "host":
                builder.Host = value;
                return false;
            case "application_name":
                builder.ApplicationName = value;
                return false;
            case "options":
                builder.Options = value;
                return false;
            case "pool_size" or "connection_limit":
                builder.MaxPoolSize =
                    int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var size) && size is > 0 and <= 1000
                    ? size
                    : throw new FormatException($"DATABASE_URL has {name}={value}; it must be a number from 1 to 1000.");
                return false;
            case "pgbouncer":
                return value is "true" or "1";
            case "connect_timeout":
                builder.Timeout = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds <= 1024
                    ? seconds
                    : throw new FormatException($"DATABASE_URL has connect_timeout={value}; it must be a number of seconds up to 1024.");
                return false;
            default:
                throw new FormatException($"DATABASE_URL has the setting {name}, which is not supported; remove it.");
        }
    }
}
