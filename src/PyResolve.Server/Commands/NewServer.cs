using System.Security.Cryptography;
using System.Text;
using PyResolve.Client;
using PyResolve.Server.Access;
using PyResolve.Server.Hosting;
using PyResolve.Server.Leases;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Commands;

/// <summary>What the command <c>init</c> sets up.</summary>
/// <param name="File">Where its settings go.</param>
/// <param name="DatabaseUrl">null: the embedded database.</param>
/// <param name="DataFolder">Of the embedded database.</param>
/// <param name="Listen">Where it listens.</param>
/// <param name="PublicUrl">The address that people see.</param>
/// <param name="Operator">The first one.</param>
internal sealed record NewServer(
    string File, string? DatabaseUrl, string DataFolder, string Listen, string PublicUrl, EmailAddress Operator)
{
    public const string DefaultListen = "http://localhost:8000";

    private const string DatabaseSetting = "DATABASE_URL";
    private const string DataSetting = "PYRESOLVE_DATA";
    private const string PublicUrlSetting = "PYRESOLVE_PUBLIC_URL";
    private const int EncryptionKeyBytes = 32;

    /// <summary>For a command in this process, whatever its environment says.</summary>
    public IReadOnlyDictionary<string, string?> Settings => new Dictionary<string, string?>(StringComparer.Ordinal)
    {
        [DatabaseSetting] = DatabaseUrl ?? "",
        [DataSetting] = DatabaseUrl is null ? DataFolder : "",
        [PublicUrlSetting] = PublicUrl,
    };

    /// <returns>What is probably not meant.</returns>
    public string? FindWarning() => DatabaseUrl is { } database && Storage.DatabaseUrl.RemoteHosts(database) is [var host, ..]
        && Loopback.Is(new Uri(PublicUrl))
            ? $"The database is on another machine, {host}, and the address that people see is {PublicUrl}: a server elsewhere has another "
                + $"one, and so have its links. Name it with --url, or correct {PublicUrlSetting} in the file and the link's beginning."
            : null;

    /// <summary>A new file, which only its owner can read, whatever the umask.</summary>
    /// <exception cref="InvalidConfigurationException">A value cannot be in such a file.</exception>
    public void WriteTo(string file)
    {
        var text = Write();
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = PrivateData.FileMode;
        using var stream = new FileStream(file, options);
        if (!OperatingSystem.IsWindows())
            System.IO.File.SetUnixFileMode(stream.SafeFileHandle, PrivateData.FileMode);
        stream.Write(Encoding.UTF8.GetBytes(text));
        stream.Flush(flushToDisk: true);
    }

    private string Write()
    {
        var text = new StringBuilder(
            """
            # The settings of this PyResolve server. `pyresolve-server --env-file <this file>` reads them, and so do systemd
            # (EnvironmentFile=) and compose (env_file:). All settings: docs/configuration.md, or `pyresolve-server config --effective`.


            """);
        text.Append(DatabaseUrl is { } url
            ? EnvironmentFile.LineOf(DatabaseSetting, url)
            : EnvironmentFile.LineOf(DataSetting, DataFolder));
        text.Append("# Where it listens, and the address that people see.\n")
            .Append(EnvironmentFile.LineOf("ASPNETCORE_URLS", Listen))
            .Append(EnvironmentFile.LineOf(PublicUrlSetting, PublicUrl));
        text.Append(
            """

            # Secrets, made for this server alone. Without them nobody can read what the database keeps of second factors, and
            # leases that are out cannot be settled: keep a copy with your backups.

            """);
        if (IsNeeded(EncryptionKeys.FileName))
        {
            text.Append(EnvironmentFile.LineOf(
                EncryptionKeys.Setting,
                Given(EncryptionKeys.Setting) ?? Convert.ToBase64String(RandomNumberGenerator.GetBytes(EncryptionKeyBytes))));
        }

        if (IsNeeded(LeaseKeys.FileName))
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            text.Append(EnvironmentFile.LineOf(
                LeaseKeys.Setting, Given(LeaseKeys.Setting) ?? Convert.ToBase64String(key.ExportPkcs8PrivateKey())));
        }

        return text.Append(
            """

            # Who may sign up: open or closed.
            #PYRESOLVE_SIGNUP=closed
            # Behind a proxy, its address. See docs/hosting.md.
            #PyResolve__TrustedProxies=127.0.0.1
            # To send email. See docs/accounts.md.
            #PyResolve__Smtp__Host=smtp.example.com
            #PyResolve__Smtp__From=billing@example.com
            # To sell plans. See docs/stripe.md.
            #STRIPE_SECRET_KEY=
            #STRIPE_WEBHOOK_SECRET=

            """).ToString();
    }

    /// <summary>The server takes a variable of the environment before the file: another key in the file would be lost with it.</summary>
    private static string? Given(string setting) => Environment.GetEnvironmentVariable(setting) is { Length: > 0 } value ? value : null;

    /// <summary>Where the folder has one from before, that one stays in use.</summary>
    private bool IsNeeded(string keyFile) => DatabaseUrl is not null || !System.IO.File.Exists(Path.Combine(DataFolder, keyFile));
}
