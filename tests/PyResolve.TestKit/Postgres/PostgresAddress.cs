using Npgsql;

namespace PyResolve.TestKit;

/// <summary>The two ways to write where a database is: <c>postgres://…</c>, as in <c>DATABASE_URL</c>, and Npgsql's keywords.</summary>
public static class PostgresAddress
{
    /// <summary>Reads either form.</summary>
    public static NpgsqlConnectionStringBuilder Parse(string address)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var url) || url.Scheme is not ("postgres" or "postgresql"))
            return new NpgsqlConnectionStringBuilder(address);

        var user = url.UserInfo.Split(':', 2);
        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = url.Host,
            Port = url.IsDefaultPort ? 5432 : url.Port,
            Username = Uri.UnescapeDataString(user[0]) is { Length: > 0 } name ? name : "postgres",
            Database = Uri.UnescapeDataString(url.AbsolutePath.TrimStart('/')) is { Length: > 0 } database ? database : "postgres",
        };
        if (user.Length == 2)
            builder.Password = Uri.UnescapeDataString(user[1]);
        foreach (var option in url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var pair = option.Split('=', 2);
            builder[KeywordOf(Uri.UnescapeDataString(pair[0]))] = Uri.UnescapeDataString(pair.ElementAtOrDefault(1) ?? "");
        }

        return builder;
    }

    /// <summary>A connection string as a URL, for <c>DATABASE_URL</c>. Host, port, user, password and database are carried over.</summary>
    public static string ToUrl(string connectionString)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString);
        var password = builder.Password is { Length: > 0 } secret ? $":{Uri.EscapeDataString(secret)}" : "";
        return $"postgres://{Uri.EscapeDataString(builder.Username ?? "postgres")}{password}@{builder.Host}:{builder.Port}/"
            + Uri.EscapeDataString(builder.Database ?? "postgres");
    }

    // libpq's names, where Npgsql's differ by more than the underscore.
    private static string KeywordOf(string option) => option switch
    {
        "sslmode" => "SSL Mode",
        "application_name" => "Application Name",
        "connect_timeout" => "Timeout",
        _ => option,
    };
}
