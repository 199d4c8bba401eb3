using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Npgsql;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Storage;

/// <summary>
/// The files that <c>DATABASE_URL</c> names for TLS. The driver opens them for each connection, and its errors name neither the setting nor
/// what helps.
/// </summary>
internal static class DatabaseCertificates
{
    /// <exception cref="FormatException">One of them cannot be used.</exception>
    public static void Check(NpgsqlConnectionStringBuilder settings)
    {
        if (settings.SslMode is SslMode.Disable)
            return;
        if (settings.RootCertificate is { Length: > 0 } root)
            Try("sslrootcert", root, "it has no certificate", () => ReadRoots(root));
        var key = settings.SslKey is { Length: > 0 } named ? named : null;
        if (key is not null)
            Try("sslkey", key, "it cannot be read", () => File.ReadAllBytes(key));
        if (settings.SslCertificate is { Length: > 0 } certificate)
            CheckOwn(certificate, key, settings.SslPassword);
    }

    /// <summary>That of this server, for the database to know it by.</summary>
    private static void CheckOwn(string certificate, string? key, string? password)
    {
        // As the driver decides.
        if (Path.GetExtension(certificate).Equals(".pfx", StringComparison.OrdinalIgnoreCase))
        {
            Try("sslcert", certificate, "it is no file in PKCS#12, or sslpassword is not its password", () =>
                X509CertificateLoader.LoadPkcs12(File.ReadAllBytes(certificate), password).Dispose());
            return;
        }

        Try("sslcert", certificate, "it has no certificate in PEM", () =>
            X509Certificate2.CreateFromPem(File.ReadAllText(certificate)).Dispose());
        // Without the setting, the driver finds one in places of its own.
        if (key is null)
            return;
        Try("sslkey", key, "it has no private key in PEM that belongs to sslcert, or sslpassword is not its password", () =>
            (string.IsNullOrEmpty(password)
                ? X509Certificate2.CreateFromPemFile(certificate, key)
                : X509Certificate2.CreateFromEncryptedPemFile(certificate, password, key)).Dispose());
    }

    private static void ReadRoots(string file)
    {
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPem(File.ReadAllText(file));
        if (certificates.Count == 0)
            certificates.Add(X509CertificateLoader.LoadCertificateFromFile(file));
        foreach (var certificate in certificates)
            certificate.Dispose();
    }

    private static void Try(string name, string file, string fault, Action read)
    {
        try
        {
            read();
        }
        catch (Exception exception) when (FileFault.Is(exception))
        {
            throw new FormatException($"DATABASE_URL has {name}={file}, which cannot be read: {FileFault.Explain(exception)}.", exception);
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            throw new FormatException($"DATABASE_URL has {name}={file}, which cannot be used: {fault}.", exception);
        }
    }
}

/// <summary>What was right at the start may be replaced, or be removed, while the server runs.</summary>
internal sealed class DatabaseCertificateException(Exception cause) : NpgsqlException(cause.Message, cause)
{
    public const string Reason = "A certificate or key of DATABASE_URL cannot be used.";

    public static bool IsCause(Exception exception) => FileFault.Is(exception) || exception is CryptographicException;
}
