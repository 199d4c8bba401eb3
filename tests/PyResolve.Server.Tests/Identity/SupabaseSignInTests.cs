using PyResolve.Server.Tests.Accounts;

namespace PyResolve.Server.Tests.Identity;

public sealed class SupabaseSignInTests(SharedServers servers)
{
    private const string Service = "supabase-github";

    [Theory, OnBothEngines]
    public async Task A_person_comes_through_a_provider_of_the_project(StorageEngine engine)
    {
        await using var scene = await StartAsync(engine);
        var visitor = new Visitor(scene.Own.Server);
        (await visitor.GetAsync("/sign-in")).Text.ShouldContain("Continue with GitHub");

        var back = await visitor.GetAsync(await visitor.AuthorizeAsync(await visitor.BeginAsync("app/usage", Service)));

        back.Status.ShouldBe(303, back.Text);
        scene.PathOf(back, $"/sign-in/with/{Service}/callback").ShouldBe("/app/usage");
        (await visitor.GetAsync("/app")).Text.ShouldContain(scene.Issuer.Supabase.Email);
        var asked = scene.Issuer.Supabase.Asked;
        (asked["provider"], asked["code_challenge_method"]).ShouldBe(("github", "s256"));
        (await scene.Own.Store.ReadNumberAsync(
            $"select count(*) from sessions where user_id = '{scene.Issuer.Supabase.User}' and proved_at is null")).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task A_password_that_Supabase_keeps_opens_a_session_and_a_wrong_one_is_counted(StorageEngine engine)
    {
        await using var scene = await StartAsync(engine);
        var visitor = new Visitor(scene.Own.Server);

        var wrong = await SendAsync(visitor, scene, "not the password");
        var cookie = visitor.Session;
        var counted = await scene.Own.Store.ReadNumberAsync("select count(*) from attempts");
        var right = await SendAsync(visitor, scene, TestSupabase.Password);

        (wrong.Status, right.Status).ShouldBe((401, 303), right.Text);
        wrong.Text.ShouldContain("role=\"alert\"");
        cookie.ShouldBeNull();
        counted.ShouldBeGreaterThan(0);
        (await scene.Own.Store.ReadNumberAsync("select count(*) from attempts")).ShouldBe(counted);
        (await visitor.GetAsync("/app")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Guessing_is_throttled_before_Supabase_is_asked()
    {
        await using var scene = await StartAsync(StorageEngine.Sqlite);
        var visitor = new Visitor(scene.Own.Server);
        for (var i = 0; i < 20; i++)
            (await SendAsync(visitor, scene, "not the password")).Status.ShouldBe(401);

        var throttled = await SendAsync(visitor, scene, TestSupabase.Password);

        throttled.Status.ShouldBe(429);
        visitor.Session.ShouldBeNull();
    }

    [Theory, OnBothEngines]
    public async Task The_second_factor_of_the_account_is_asked_for_as_well(StorageEngine engine)
    {
        await using var scene = await StartAsync(engine);
        var secured = await SecuredAccount.CreateAsync(scene.Own);
        await scene.LinkAsync(scene.Issuer.SupabaseIssuer, scene.Issuer.Supabase.User.ToString(), secured.Account.Email);
        var (byProvider, byPassword) = (new Visitor(scene.Own.Server), new Visitor(scene.Own.Server));

        var asked = await byProvider.GetAsync(await byProvider.AuthorizeAsync(await byProvider.BeginAsync(service: Service)));
        var askedToo = await SendAsync(byPassword, scene, TestSupabase.Password);

        (asked.Status, askedToo.Status).ShouldBe((200, 200));
        asked.Text.ShouldContain("name=\"pending\"");
        askedToo.Text.ShouldContain("name=\"pending\"");
        (byProvider.Session, byPassword.Session).ShouldBe((null, null));
    }

    [Fact]
    public async Task A_code_of_another_browser_a_used_one_and_one_that_is_too_late_open_no_session()
    {
        await using var scene = await StartAsync(StorageEngine.Sqlite);
        var (victim, attacker) = (new Visitor(scene.Own.Server), new Visitor(scene.Own.Server));
        var callback = await attacker.AuthorizeAsync(await attacker.BeginAsync(service: Service));

        var without = await victim.GetAsync(callback);
        await victim.BeginAsync(service: Service);
        var withOwn = await victim.GetAsync(callback);
        var late = new Visitor(scene.Own.Server);
        var lateCallback = await late.AuthorizeAsync(await late.BeginAsync(service: Service));
        scene.Own.Clock.Advance(TimeSpan.FromMinutes(16));
        var tooLate = await late.GetAsync(lateCallback);

        foreach (var answer in (Answer[])[without, withOwn, tooLate])
            answer.Status.ShouldBe(401, answer.Text);
        (await scene.Own.Store.ReadNumberAsync("select count(*) from sessions")).ShouldBe(0);
    }

    private static Task<Answer> SendAsync(Visitor visitor, SignInScene scene, string password) => visitor.SendFormAsync(
        "/sign-in/with/supabase", new() { ["email"] = scene.Issuer.Supabase.Email, ["password"] = password });

    private Task<SignInScene> StartAsync(StorageEngine engine) => SignInScene.StartAsync(engine, servers, static issuer => new()
    {
        ["environment"] = "Development",
        ["SUPABASE_URL"] = issuer.Url,
        ["SUPABASE_ANON_KEY"] = TestSupabase.AnonKey,
        ["PyResolve:Supabase:Providers"] = "github, azure",
        ["PyResolve:Supabase:Passwords"] = "true",
    });
}
