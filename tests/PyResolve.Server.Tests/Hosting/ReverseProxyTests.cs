using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PyResolve.Server.Tests.Storage;

namespace PyResolve.Server.Tests.Hosting;

/// <summary>The server behind the proxies of docs/hosting.md, each with the configuration of that page and a certificate.</summary>
public sealed class ReverseProxyTests
{
    private const string Form = "action=sign-in&email=nobody%40example.com&password=wrong-password";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, InlineData("caddy"), InlineData("nginx")]
    public async Task A_client_behind_a_proxy_is_known_by_its_own_address_whatever_it_says(string name)
    {
        await using var proxy = await StartAsync(name);

        (await proxy.Client.SendAsync(HttpMethod.Get, "/plans", body: null, [("X-Forwarded-For", "203.0.113.9")])).Status.ShouldBe(200);

        await Eventually.IsTrueAsync(
            () => proxy.Server.Log.Contains("GET /plans 200", StringComparison.Ordinal), cancellationToken: Cancellation);
        proxy.Server.Log.Split('\n').Single(line => line.Contains("GET /plans", StringComparison.Ordinal)).ShouldContain("from 127.0.0.2");
    }

    [Theory, InlineData("caddy"), InlineData("nginx")]
    public async Task A_batch_of_full_size_and_a_long_export_pass_through(string name)
    {
        await using var proxy = await StartAsync(name);
        var account = await TestAccount.SignUpAsync(proxy.Http);
        var filler = new string('x', 3_900);
        var events = Enumerable.Range(0, 1000).Select(_ => new { event_type = "scan", metadata = new { filler } });

        var batch = await account.Key.PostAsync("/usage/batch", new { events });
        var export = await account.Key.GetAsync("/usage/export.csv");

        batch.Status.ShouldBe(200, batch.Text);
        export.Text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(1001);
    }

    [Theory, InlineData("caddy"), InlineData("nginx")]
    public async Task A_page_is_served_with_https_and_takes_forms_of_its_own_site_only(string name)
    {
        await using var proxy = await StartAsync(name);

        var page = await proxy.Client.GetAsync("/device");
        var own = await PostFormAsync(proxy, proxy.Origin);
        var foreign = await PostFormAsync(proxy, "https://evil.example");

        page.Status.ShouldBe(200);
        page.Headers.Contains("Strict-Transport-Security").ShouldBeTrue();
        own.Text.ShouldContain("</form>");
        own.Status.ShouldBe(401, own.Text);
        foreign.Status.ShouldBe(403, foreign.Text);
    }

    [Fact, Trait("Platform", "Linux")]
    public async Task The_doctor_finds_the_proxy_of_the_guide_in_order()
    {
        await using var proxy = await StartAsync("nginx");
        // The server makes one when it is needed first.
        await File.WriteAllTextAsync(
            Path.Combine(proxy.Server.DataFolder, "encryption-key"), Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)),
            Cancellation);
        var settings = new Dictionary<string, string?>
        {
            ["PYRESOLVE_DATA"] = proxy.Server.DataFolder,
            ["PYRESOLVE_PUBLIC_URL"] = proxy.Origin,
            ["PyResolve__TrustedProxies"] = "127.0.0.1",
            ["SSL_CERT_FILE"] = Path.Combine(proxy.Folder, "fullchain.pem"),
        };

        var doctor = await ServerProcess.RunAsync(["doctor"], settings, Cancellation);

        doctor.Output.ShouldContain("ok    Proxy: Through the proxy 127.0.0.1 the server sees this machine as 127.0.0.1, over https.");
    }

    private static Task<Answer> PostFormAsync(ProxiedServer proxy, string origin) => proxy.Client.SendAsync(
        HttpMethod.Post,
        "/device",
        new StringContent(Form, mediaType: new("application/x-www-form-urlencoded")),
        [("Origin", origin)]);

    private static async Task<ProxiedServer> StartAsync(string name)
    {
        var proxy = new LocalService();
        try
        {
            var origin = $"https://localhost:{proxy.Port}";
            var server = await ServerProcess.StartAsync(
                new Dictionary<string, string?>
                {
                    ["PYRESOLVE_PUBLIC_URL"] = origin,
                    ["PyResolve__TrustedProxies"] = "127.0.0.1",
                    ["PyResolve__RequestLog"] = "true",
                },
                Cancellation);
            try
            {
                await (name == "caddy" ? StartCaddyAsync(proxy, server.Address) : StartNginxAsync(proxy, server.Address));
            }
            catch
            {
                await server.DisposeAsync();
                throw;
            }
            var proxied = new ProxiedServer(proxy, server, origin);
            // Caddy listens before its certificate is made.
            await Eventually.HoldsAsync(() => proxied.Client.GetAsync("/health"), cancellationToken: Cancellation);
            return proxied;
        }
        catch
        {
            await proxy.DisposeAsync();
            throw;
        }
    }

    /// <summary>Caddy makes a certificate for localhost itself.</summary>
    private static async Task StartCaddyAsync(LocalService proxy, Uri server)
    {
        var site = Guide.Block("hosting.md", "caddy", "reverse_proxy")
            .Replace("billing.example.com", $"localhost:{proxy.Port}", StringComparison.Ordinal)
            .Replace("127.0.0.1:8000", server.Authority, StringComparison.Ordinal);
        var file = Path.Combine(proxy.Folder, "Caddyfile");
        var options = $"{{\nadmin off\nskip_install_trust\nauto_https disable_redirects\nstorage file_system {proxy.Folder}\n}}\n";
        await File.WriteAllTextAsync(file, options + site, Cancellation);
        await proxy.StartAsync("caddy", "caddy", ["run", "--config", file, "--adapter", "caddyfile"], Cancellation);
    }

    private static async Task StartNginxAsync(LocalService proxy, Uri server)
    {
        const string CertificateFolder = "/etc/letsencrypt/live/billing.example.com";
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var today = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(today.AddDays(-1), today.AddDays(1));
        await File.WriteAllTextAsync(Path.Combine(proxy.Folder, "fullchain.pem"), certificate.ExportCertificatePem(), Cancellation);
        await File.WriteAllTextAsync(Path.Combine(proxy.Folder, "privkey.pem"), key.ExportPkcs8PrivateKeyPem(), Cancellation);
        var site = Guide.Block("hosting.md", "nginx", "proxy_pass")
            .Replace("listen 443", $"listen 127.0.0.1:{proxy.Port}", StringComparison.Ordinal)
            .Replace(CertificateFolder, proxy.Folder, StringComparison.Ordinal)
            .Replace("127.0.0.1:8000", server.Authority, StringComparison.Ordinal);
        var places = string.Concat(new[] { "client_body", "proxy", "fastcgi", "uwsgi", "scgi" }
            .Select(kind => string.Create(CultureInfo.InvariantCulture, $"{kind}_temp_path {proxy.Folder}/{kind};\n")));
        var file = Path.Combine(proxy.Folder, "nginx.conf");
        await File.WriteAllTextAsync(
            file, $"daemon off;\npid {proxy.Folder}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n{places}{site}}}\n", Cancellation);
        await proxy.StartAsync("nginx-light", "nginx", ["-e", "stderr", "-c", file], Cancellation);
    }

    /// <summary>A server behind a proxy, and a client with an address of its own, 127.0.0.2, which no proxy has.</summary>
    private sealed class ProxiedServer : IAsyncDisposable
    {
        private readonly LocalService _proxy;

        public ProxiedServer(LocalService proxy, ServerProcess server, string origin)
        {
            (_proxy, Server, Origin) = (proxy, server, origin);
            Http = new HttpClient(new SocketsHttpHandler
            {
                UseCookies = false,
                UseProxy = false,
                AllowAutoRedirect = false,
                SslOptions = new() { RemoteCertificateValidationCallback = static (_, _, _, errors) => IsForThisName(errors) },
                ConnectCallback = ConnectAsync,
            })
            {
                BaseAddress = new Uri(origin),
            };
            Client = new Caller(Http);
        }

        public ServerProcess Server { get; }

        public string Folder => _proxy.Folder;

        public string Origin { get; }

        public HttpClient Http { get; }

        public Caller Client { get; }

        public async ValueTask DisposeAsync()
        {
            Http.Dispose();
            await _proxy.DisposeAsync();
            await Server.DisposeAsync();
        }

        // The certificates of these tests are signed by no known authority.
        private static bool IsForThisName(SslPolicyErrors errors) =>
            errors is SslPolicyErrors.None or SslPolicyErrors.RemoteCertificateChainErrors;

        private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0));
                await socket.ConnectAsync(IPAddress.Loopback, context.DnsEndPoint.Port, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
    }
}
