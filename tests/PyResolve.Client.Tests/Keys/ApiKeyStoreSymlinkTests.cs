namespace PyResolve.Client.Tests.Keys;

[Trait("Platform", "Unix")]
public sealed class ApiKeyStoreSymlinkTests
{
    [Fact]
    public void A_linked_file_stays_a_link_and_its_target_is_written()
    {
        using var home = new TemporaryHome();
        Directory.CreateDirectory(home.Path);
        var target = Path.Combine(home.Path, "dotfiles.toml");
        File.WriteAllText(target, "theme = 'dark'\n");
        File.CreateSymbolicLink(home.ConfigPath, target);

        home.Store.Save(ScriptedServer.Key);

        File.ResolveLinkTarget(home.ConfigPath, returnFinalTarget: false).ShouldNotBeNull().FullName.ShouldBe(target);
        File.ReadAllText(target).ShouldBe($"theme = 'dark'\napi_key = \"{ScriptedServer.Key}\"\n");
    }

    [Fact]
    public void A_chain_of_relative_links_to_a_file_that_does_not_exist_yet_is_followed()
    {
        using var home = new TemporaryHome();
        Directory.CreateDirectory(Path.Combine(home.Path, "dotfiles"));
        File.CreateSymbolicLink(home.ConfigPath, "second.toml");
        File.CreateSymbolicLink(Path.Combine(home.Path, "second.toml"), Path.Combine("dotfiles", "real.toml"));

        home.Store.Save(ScriptedServer.Key);

        new FileInfo(home.ConfigPath).LinkTarget.ShouldBe("second.toml");
        File.ReadAllText(Path.Combine(home.Path, "dotfiles", "real.toml")).ShouldContain(ScriptedServer.Key);
        home.Store.FindApiKey().ShouldNotBeNull().Key.ShouldBe(ScriptedServer.Key);
    }

    [Fact]
    public void A_link_cycle_is_refused()
    {
        using var home = new TemporaryHome();
        Directory.CreateDirectory(home.Path);
        File.CreateSymbolicLink(home.ConfigPath, "other.toml");
        File.CreateSymbolicLink(Path.Combine(home.Path, "other.toml"), "config.toml");

        Should.Throw<ConfigFileException>(() => home.Store.Save(ScriptedServer.Key));
    }
}
