using System.Buffers.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Options;
using PyResolve.Server.Doctor;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Tests.Doctor;

/// <summary>What the doctor finds by a request of its own through the public address, and nobody else learns by one.</summary>
public sealed class ProxyCheckTests(SharedServers servers)
{
    private const string Here = "127.0.0.1";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(
        "203.0.113.9", "http", true, "Through the proxy 127.0.0.1 the server sees this machine as 203.0.113.9, over http.")]
    [InlineData("203.0.113.9, 203.0.113.9", "http", true, "Through the proxy 127.0.0.1 the server sees this machine as 203.0.113.9,")]
    [InlineData("198.51.100.4, 203.0.113.9:5555, 203.0.113.9", "http", true, "sees this machine as 203.0.113.9,")]
    [InlineData("203.0.113.9, 198.51.100.4, 203.0.113.9", "http", false, "it was asked by 198.51.100.4.")]
    [InlineData("203.0.113.9, 66.241.124.1", "http", false, "takes 66.241.124.1 for who asks, and that is another proxy")]
    [InlineData("203.0.113.9", "https", false, "sees https: the proxy 127.0.0.1 does not say so.")]
    public async Task The_doctor_sees_what_the_server_sees_through_the_proxy(
        string forwarded, string scheme, bool isInOrder, string text)
    {
        await using var proxied = await ProxiedDoctor.StartAsync(
            servers, [("X-Forwarded-For", forwarded), ("X-Forwarded-Proto", scheme)], [(TrustedProxies.Setting, Here)]);

        var finding = await proxied.ExamineProxyAsync();

        finding.State.ShouldBe(isInOrder ? HealthState.Good : HealthState.Bad, finding.Text);
        finding.Text.ShouldContain(text);
    }

    [Fact]
    public async Task The_header_with_the_clients_address_mends_what_the_doctor_finds_on_hosts_with_two_proxies()
    {
        await using var proxied = await ProxiedDoctor.StartAsync(
            servers, [("X-Forwarded-For", "203.0.113.9, 66.241.124.1"), ("Fly-Client-IP", "203.0.113.9"), ("X-Forwarded-Proto", "http")],
            [(TrustedProxies.Setting, Here), (TrustedProxies.HeaderSetting, "Fly-Client-IP")]);

        var finding = await proxied.ExamineProxyAsync();

        finding.State.ShouldBe(HealthState.Good, finding.Text);
        finding.Text.ShouldContain("as 203.0.113.9,");
    }

    [Theory]
    [InlineData("CF-Connecting-IP", true, "anybody can choose their address")]
    [InlineData("True-Client-IP", false, "sees this machine as 127.0.0.1")]
    public async Task A_proxy_that_passes_on_the_header_with_the_clients_address_is_a_fault(
        string passedOn, bool isFault, string text)
    {
        await using var proxied = await ProxiedDoctor.StartAsync(
            servers, [("X-Forwarded-Proto", "http")],
            [(TrustedProxies.Setting, Here), (TrustedProxies.HeaderSetting, "CF-Connecting-IP")], passedOn);

        var finding = await proxied.ExamineProxyAsync();

        finding.State.ShouldBe(isFault ? HealthState.Bad : HealthState.Good, finding.Text);
        finding.Text.ShouldContain(text);
        if (isFault)
            finding.Fix.ShouldNotBeNull().ShouldContain("Let the proxy set CF-Connecting-IP itself, or remove what it is sent.");
    }

    /// <summary>Run by another user, the server could not read it.</summary>
    [Fact]
    public async Task The_doctor_makes_no_key()
    {
        await using var proxied = await ProxiedDoctor.StartAsync(
            servers, [("X-Forwarded-For", "203.0.113.9")], [(TrustedProxies.Setting, Here)]);
        proxied.Set(EncryptionKeys.Setting, null);

        var finding = await proxied.ExamineProxyAsync();

        finding.State.ShouldBe(HealthState.Look);
        finding.Text.ShouldContain("Not tested: ");
        finding.Text.ShouldContain("there is none yet");
        Directory.GetFiles(proxied.Folder, "*key*").ShouldBeEmpty();
    }

    [Fact]
    public async Task Where_the_server_has_another_key_it_is_said_that_nothing_was_tested()
    {
        await using var proxied = await ProxiedDoctor.StartAsync(
            servers, [("X-Forwarded-For", "203.0.113.9")], [(TrustedProxies.Setting, Here)]);
        proxied.Set(EncryptionKeys.Setting, Convert.ToBase64String(new byte[32]));

        var finding = await proxied.ExamineProxyAsync();

        finding.State.ShouldBe(HealthState.Look);
        finding.Text.ShouldStartWith("Not tested: ");
        finding.Fix.ShouldNotBeNull().ShouldContain("PyResolve:RequestLog");
    }

    [Fact]
    public async Task Where_nothing_answers_it_is_said_that_nothing_was_tested()
    {
        await using var proxied = await ProxiedDoctor.StartAsync(servers, [], [(TrustedProxies.Setting, Here)]);
        proxied.Set("PYRESOLVE_PUBLIC_URL", $"http://127.0.0.1:{Loopback.FreePort()}");

        (await proxied.ExamineProxyAsync()).State.ShouldBe(HealthState.Look);
    }

    [Theory]
    [InlineData("172.20.0.3", null, "takes 172.20.0.3 for who asks", "Add 172.20.0.3 or its network to PyResolve:TrustedProxies")]
    [InlineData("203.0.113.9", "172.20.0.3", "sees http: the proxy 172.20.0.3 does not say so", "Let the proxy send X-Forwarded-Proto")]
    public void A_proxy_that_names_nobody_or_no_scheme_is_named_with_the_fix(string address, string? proxy, string text, string fix)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(
            new Dictionary<string, string?>
            {
                ["PYRESOLVE_PUBLIC_URL"] = "https://billing.example.com", ["PYRESOLVE_DATA"] = "unused",
            }).Build();
        var options = ServerOptions.Read(configuration, new HostingEnvironment { EnvironmentName = "Production" });
        var check = new ProxyCheck(options, configuration, Options.Create(new ForwardedHeadersOptions()));

        var finding = check.Describe(new SeenRequest("http", address, proxy, Before: null), options.PublicUrl!);

        finding.State.ShouldBe(HealthState.Bad);
        finding.Text.ShouldContain(text);
        finding.Fix.ShouldNotBeNull().ShouldContain(fix);
    }

    [Theory]
    [InlineData("")]
    [InlineData("who am I?")]
    [InlineData("AAAA")]
    public async Task A_stranger_is_told_nothing(string question)
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);

        var answer = await own.Server.Anonymous.SendAsync(HttpMethod.Get, "/", body: null, [(ProxyProbe.Header, question)]);

        answer.Status.ShouldBe(200);
        answer.Headers.Contains(ProxyProbe.Header).ShouldBeFalse();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("no key")]
    public async Task A_stranger_is_answered_also_where_the_key_is_missing_or_cannot_be_read(string? content)
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        var file = Path.Combine(own.Store.Settings["PYRESOLVE_DATA"]!, EncryptionKeys.FileName);
        if (content is not null)
            await File.WriteAllTextAsync(file, content, Cancellation);
        byte[] question = [1, .. new byte[60]];

        var answer = await own.Server.Anonymous.SendAsync(
            HttpMethod.Get, "/", body: null, [(ProxyProbe.Header, Base64Url.EncodeToString(question))]);

        answer.Status.ShouldBe(200, answer.Text);
        answer.Headers.Contains(ProxyProbe.Header).ShouldBeFalse();
        File.Exists(file).ShouldBe(content is not null);
    }

    [Fact]
    public async Task A_question_is_answered_for_some_minutes_and_only_who_has_the_key_can_read_the_answer()
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        var probe = own.Server.Services.GetRequiredService<ProxyProbe>();
        var (carried, question) = probe.Ask();

        var first = await AskAsync(own, carried);
        own.Clock.Advance(TimeSpan.FromMinutes(6));
        var late = await AskAsync(own, carried);

        first.ShouldNotBeNull().ShouldNotContain(Here);
        probe.Read(first, question).ShouldBe(new SeenRequest("http", Here, Proxy: null, Before: null));
        probe.Read(first, probe.Ask().Question).ShouldBeNull();
        late.ShouldBeNull();
    }

    private static async Task<string?> AskAsync(OwnServer own, string carried)
    {
        var answer = await own.Server.Anonymous.SendAsync(HttpMethod.Get, "/", body: null, [(ProxyProbe.Header, carried)]);
        return answer.Headers.TryGetValues(ProxyProbe.Header, out var values) ? values.Single() : null;
    }

    /// <summary>A server that runs, a proxy in front of it that sends some headers, and a doctor with the same settings.</summary>
    private sealed class ProxiedDoctor(OwnServer own, WebApplication proxy, HttpClient http, FaultyServer doctor) : IAsyncDisposable
    {
        public static async Task<ProxiedDoctor> StartAsync(
            SharedServers servers, IReadOnlyList<(string Name, string Value)> headers, IEnumerable<(string Name, string Value)> settings,
            params IReadOnlyList<string> passedOn)
        {
            var set = settings.ToDictionary(static one => one.Name, static one => (string?)one.Value);
            set[EncryptionKeys.Setting] = Convert.ToBase64String(Enumerable.Repeat((byte)7, 32).ToArray());
            // The doctor's clock is the machine's.
            var own = await OwnServer.StartAsync(
                StorageEngine.Sqlite, servers.Postgres, settings: set, clock: new TestClock(TimeProvider.System.GetUtcNow()));
            var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = own.Server.Address };
            var proxy = Relay.Create(http, headers, passedOn);
            await proxy.StartAsync(Cancellation);
            var doctor = await FaultyServer.CreateAsync(StorageEngine.Sqlite, servers.Postgres);
            foreach (var (name, value) in set)
                doctor.Set(name, value);
            doctor.Set("PYRESOLVE_PUBLIC_URL", proxy.Urls.Single());
            return new ProxiedDoctor(own, proxy, http, doctor);
        }

        /// <summary>Of the doctor, not of the server that runs.</summary>
        public string Folder => doctor.Folder;

        public void Set(string name, string? value) => doctor.Set(name, value);

        public async Task<Finding> ExamineProxyAsync() => (await doctor.ExamineAsync()).Single(static finding => finding.About == "Proxy");

        public async ValueTask DisposeAsync()
        {
            await doctor.DisposeAsync();
            await proxy.DisposeAsync();
            http.Dispose();
            await own.DisposeAsync();
        }
    }
}
