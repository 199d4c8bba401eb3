using System.Globalization;
using Npgsql;

namespace PyResolve.Server.Storage;

/// <summary>
/// The addresses of databases, such as <c>postgres://user:password@host:5432/database?sslmode=require</c>, or with several hosts, of which
/// the one that accepts writes is used, <c>postgres://user:password@host1:5432,host2:5432/database</c>.
/// </summary>
internal static class DatabaseUrl
{
    private const string Form = "DATABASE_URL must look like postgres://user:password@host:5432/database.";
    private const int DefaultPort = 5432;

    /// <summary>The port of Supabase's transaction pooler, which does not support prepared statements.</summary>
    private const int SupabasePoolerPort = 6543;

    /// <exception cref="FormatException">The message does not contain the password.</exception>
    public static string ToConnectionString(string url) => Parse(url).ToString();

    /// <summary>The hosts that are not this machine.</summary>
    public static IReadOnlyList<string> RemoteHosts(string url) =>
        [.. (Parse(url).Host ?? "").Split(',').Where(static host => host.Length > 0 && !IsLocal(host))];

    /// <summary>
    /// Whether every other machine that it names can be reached in a private network alone: a private address, a name without a dot, or one
    /// of a domain that is reserved for such networks, as hosts of servers give their databases.
    /// </summary>
    public static bool IsPrivate(string url) => RemoteHosts(url).All(PrivateNetwork.Has);

    /// <returns>What the operator should know about a URL that can be used; null for nothing.</returns>
    public static string? FindWarning(string url)
    {
        var builder = Parse(url);
        var remote = RemoteHosts(url);
        if (builder.SslMode is not SslMode.Prefer || NamesEncryption(url) || remote.Count == 0)
            return null;
        return $"DATABASE_URL does not say whether the connection to {string.Join(", ", remote)} is encrypted: passwords and emails may "
            + "cross the network in clear text. Add sslmode=verify-full (with sslrootcert=/path/of/the/ca.pem where the certificate is "
            + "not a public one), sslmode=require, or sslmode=disable in a network that you trust.";
    }

    private static NpgsqlConnectionStringBuilder Parse(string url)
    {
        var (user, hosts, path, query) = Split(url);
        var userInfo = user.Split(':', 2);
        var builder = new NpgsqlConnectionStringBuilder
        {
            Database = path.Length > 0 ? Uri.UnescapeDataString(path) : null,
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
        var isPooled = false;
        var (names, ports) = (new List<string>(), new List<int>());
        foreach (var host in hosts)
            Add(host);
        foreach (var (name, value) in Settings(query))
        {
            switch (name)
            {
                case "host" or "hostaddr":
                    (names, ports) = (new List<string>(), []);
                    foreach (var host in value.Split(',', StringSplitOptions.RemoveEmptyEntries))
                        Add(host.Contains(':') && !host.StartsWith('[') ? $"[{host}]" : host);
                    break;
                case "port":
                    ports = [.. value.Split(',').Select(ReadPort)];
                    break;
                default:
                    isPooled |= DatabaseUrlSettings.Apply(builder, name, value);
                    break;
            }
        }

        if (string.IsNullOrEmpty(builder.Database))
            throw new FormatException("DATABASE_URL names no database: end it with /database.");
        if (names.Count == 0)
            throw new FormatException("DATABASE_URL names no host: postgres://user:password@host:5432/database.");
        SetHosts(builder, names, ports);
        if (!isPooled && !ports.Contains(SupabasePoolerPort))
            builder.MaxAutoPrepare = 64;
        return builder;

        void Add(string host)
        {
            var (name, port) = SplitPort(host);
            names.Add(name);
            ports.Add(port);
        }
    }

    private static void SetHosts(NpgsqlConnectionStringBuilder builder, List<string> names, List<int> ports)
    {
        if (ports.Count == 1)
            ports = [.. Enumerable.Repeat(ports[0], names.Count)];
        if (ports.Count != names.Count)
        {
            throw new FormatException(
                $"DATABASE_URL has {names.Count} hosts and {ports.Count} ports; each host has a port, or all have one.");
        }

        if (names.Count == 1)
        {
            (builder.Host, builder.Port) = (names[0], ports[0]);
            return;
        }

        builder.Host = string.Join(',', names.Zip(ports, static (name, port) =>
            string.Create(CultureInfo.InvariantCulture, $"{(name.Contains(':') ? $"[{name}]" : name)}:{port}")));
    }

    /// <summary>Splits the address by hand: <see cref="Uri"/> refuses several hosts.</summary>
    private static (string User, string[] Hosts, string Path, string Query) Split(string url)
    {
        var scheme = url.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0 || url[..scheme].ToLowerInvariant() is not ("postgres" or "postgresql"))
            throw new FormatException(Form);
        var rest = url[(scheme + 3)..];
        var end = rest.IndexOfAny(['/', '?']);
        var authority = end < 0 ? rest : rest[..end];
        var path = end < 0 || rest[end] == '?' ? "" : rest[(end + 1)..].Split('?', 2)[0];
        var query = rest.Split('?', 2) is [_, var settings] ? settings : "";
        var at = authority.LastIndexOf('@');
        var hosts = authority[(at + 1)..];
        return (at < 0 ? "" : authority[..at], hosts.Split(',', StringSplitOptions.RemoveEmptyEntries), path, query);
    }

    private static (string Name, int Port) SplitPort(string host)
    {
        if (host.StartsWith('[') && host.IndexOf(']', StringComparison.Ordinal) is > 0 and var bracket)
        {
            return host[(bracket + 1)..] switch
            {
                "" => (host[1..bracket], DefaultPort),
                [':', .. var port] => (host[1..bracket], ReadPort(port)),
                _ => throw new FormatException(Form),
            };
        }

        var parts = host.Split(':');
        return parts.Length switch
        {
            1 => (Uri.UnescapeDataString(host), DefaultPort),
            2 => (Uri.UnescapeDataString(parts[0]), ReadPort(parts[1])),
            _ => throw new FormatException(Form),
        };
    }

    private static int ReadPort(string text) =>
        ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0
        ? port
        : throw new FormatException($"{Form} A port is a number from 1 to 65535.");

    private static IEnumerable<(string Name, string Value)> Settings(string query) =>
        from pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries)
        let parts = pair.Split('=', 2)
        select (Uri.UnescapeDataString(parts[0]), parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : "");

    private static bool NamesEncryption(string url) => Settings(Split(url).Query).Any(static setting => setting.Name is "sslmode" or "ssl");

    /// <summary>Whether a host is a Unix socket or this machine, with or without a port.</summary>
    private static bool IsLocal(string host) =>
        host.StartsWith('/') || host.StartsWith('@') || host.StartsWith("localhost", StringComparison.OrdinalIgnoreCase)
        || host.StartsWith("127.", StringComparison.Ordinal) || host.Trim('[').StartsWith("::1", StringComparison.Ordinal);
}
