using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Storage;

/// <summary>The files of <c>DATABASE_URL</c> for TLS.</summary>
public sealed class DatabaseCertificateTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pyresolve-certificates-");

    public DatabaseCertificateTests()
    {
        foreach (var name in (string[])["own", "other"])
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var now = TimeProvider.System.GetUtcNow();
            using var certificate =
                new CertificateRequest("CN=pyresolve", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
            File.WriteAllText(PathOf($"{name}.pem"), certificate.ExportCertificatePem());
            File.WriteAllText(PathOf($"{name}.key"), key.ExportPkcs8PrivateKeyPem());
            File.WriteAllBytes(PathOf($"{name}.der"), certificate.Export(X509ContentType.Cert));
            File.WriteAllBytes(PathOf($"{name}.pfx"), certificate.Export(X509ContentType.Pkcs12, "secret"));
            var encryption = new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, iterationCount: 1000);
            File.WriteAllText(PathOf($"{name}.locked"), key.ExportEncryptedPkcs8PrivateKeyPem("secret", encryption));
        }

        File.WriteAllText(PathOf("text"), "no certificate");
        File.WriteAllText(PathOf("torn.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("sslrootcert", "sslrootcert=none", "there is no such file")]
    [InlineData("sslrootcert", "sslrootcert=text", "it has no certificate")]
    [InlineData("sslrootcert", "sslrootcert=torn.pem", "it has no certificate")]
    [InlineData("sslcert", "sslcert=none&sslkey=own.key", "there is no such file")]
    [InlineData("sslcert", "sslcert=text&sslkey=own.key", "it has no certificate in PEM")]
    [InlineData("sslcert", "sslcert=torn.pem&sslkey=own.key", "it has no certificate in PEM")]
    [InlineData("sslcert", "sslcert=text.pfx", "there is no such file")]
    [InlineData("sslcert", "sslcert=own.pfx&sslpassword=wrong", "sslpassword is not its password")]
    [InlineData("sslkey", "sslcert=own.pem&sslkey=none", "there is no such file")]
    [InlineData("sslkey", "sslcert=own.pem&sslkey=text", "it has no private key in PEM")]
    [InlineData("sslkey", "sslcert=own.pem&sslkey=other.key", "it has no private key in PEM that belongs to sslcert")]
    [InlineData("sslkey", "sslcert=own.pem&sslkey=own.locked&sslpassword=wrong", "sslpassword is not its password")]
    [InlineData("sslkey", "sslcert=own.pem&sslkey=own.locked", "sslpassword is not its password")]
    public void One_that_cannot_be_used_is_named_with_its_setting(string setting, string settings, string fault)
    {
        var refused = Should.Throw<FormatException>(() => Open(settings));

        refused.Message.ShouldStartWith($"DATABASE_URL has {setting}={_folder.FullName}");
        refused.Message.ShouldContain(fault);
        refused.Message.ShouldNotContain("hunter2");
    }

    [Theory]
    [InlineData("sslrootcert=own.pem")]
    [InlineData("sslrootcert=own.der")]
    [InlineData("sslcert=own.pem&sslkey=own.key")]
    [InlineData("sslcert=own.pem")]
    [InlineData("sslcert=own.pem&sslkey=own.locked&sslpassword=secret")]
    [InlineData("sslcert=own.pfx&sslpassword=secret")]
    [InlineData("sslmode=disable&sslcert=none&sslkey=none&sslrootcert=none")]
    public async Task Those_that_can_be_used_are_accepted_and_without_TLS_all(string settings)
    {
        await using var engine = Open(settings);

        engine.Name.ShouldBe("postgres");
    }

    [Theory]
    [InlineData("doctor --json", 1)]
    [InlineData("accounts list", 2)]
    public async Task Commands_end_with_an_answer_rather_than_with_an_exception_of_the_runtime(string command, int exitCode)
    {
        var settings = new Dictionary<string, string?> { ["DATABASE_URL"] = Url("sslcert=torn.pem&sslkey=own.key") };

        var result = await ServerProcess.RunAsync(command.Split(' '), settings, Cancellation);

        result.ExitCode.ShouldBe(exitCode, result.Output + result.Error);
        (result.Output + result.Error).ShouldContain($"DATABASE_URL has sslcert={PathOf("torn.pem")}, which cannot be used");
        (result.Output + result.Error).Trim().ShouldNotContain("\n");
    }

    /// <summary>The driver opens it for each connection.</summary>
    [Fact]
    public async Task One_that_is_removed_while_the_server_runs_is_an_outage()
    {
        using var listener = new TcpListener(IPAddress.Loopback, port: 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        await using var engine = Open("sslmode=require&gssencmode=disable&sslcert=own.pem&sslkey=own.key", port);
        File.Delete(PathOf("own.pem"));
        var serving = TakeTlsAsync(listener);

        var failure = await Should.ThrowAsync<DatabaseCertificateException>(
            async () => await engine.OpenReaderAsync(node: null, Cancellation));

        await serving;
        engine.Classify(failure).ShouldBe(FailureKind.Unavailable);
        engine.Explain(failure).ShouldBe("A certificate or key of DATABASE_URL cannot be used.");
        failure.Message.ShouldContain(PathOf("own.pem"));
    }

    /// <summary>PostgreSQL's answer to whoever asks for TLS.</summary>
    private static async Task TakeTlsAsync(TcpListener listener)
    {
        using var client = await listener.AcceptTcpClientAsync(Cancellation);
        await client.GetStream().ReadExactlyAsync(new byte[8], Cancellation);
        await client.GetStream().WriteAsync("S"u8.ToArray(), Cancellation);
    }

    private PostgresEngine Open(string settings, int port = 9) => new(DatabaseUrl.ToConnectionString(Url(settings, port)));

    private string Url(string settings, int port = 9)
    {
        foreach (var name in (string[])["sslrootcert", "sslcert", "sslkey"])
            settings = settings.Replace($"{name}=", $"{name}={_folder.FullName}{Path.DirectorySeparatorChar}", StringComparison.Ordinal);
        return FormattableString.Invariant($"postgres://ann:hunter2@127.0.0.1:{port}/billing?{settings}");
    }

    private string PathOf(string name) => Path.Combine(_folder.FullName, name);
}
