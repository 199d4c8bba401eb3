namespace PyResolve.Client.Tests.Keys;

public sealed class ApiKeyStoreLinkTests
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
}
