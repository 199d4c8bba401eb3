using System.Globalization;

namespace PyResolve.Cli.Tests.Infrastructure;

/// <summary>A generated project of many small modules, each of which <c>builtin:pydantic</c> rewrites.</summary>
internal sealed class PythonProject(CliDriver cli, int files)
{
    private const int FilesInFolder = 100;

    public int Count => files;

    public void Write()
    {
        for (var i = 0; i < files; i++)
            cli.WithFile(Name(i), Old(i));
    }

    /// <summary>Modules are rewritten in the order of their numbers.</summary>
    public bool IsRewritten(int module) => cli.Read(Name(module)) == New(module);

    public int CountRewritten() => Enumerable.Range(0, files).Count(IsRewritten);

    /// <summary>Names of files that are neither as they were nor as they are to become, and of files that do not belong there.</summary>
    public IReadOnlyList<string> FindBroken()
    {
        var known = Enumerable.Range(0, files).ToDictionary(Name);
        return
        [
            .. from path in Directory.EnumerateFiles(cli.Project, "*", SearchOption.AllDirectories)
               let name = Path.GetRelativePath(cli.Project, path)
               let text = File.ReadAllText(path)
               where !known.TryGetValue(name, out var module) || (text != Old(module) && text != New(module))
               select name,
        ];
    }

    private static string Name(int module) =>
        string.Create(CultureInfo.InvariantCulture, $"package{module / FilesInFolder:000}/module{module:00000}.py");

    private static string Old(int module) => $$"""
        from pydantic import BaseModel, validator


        class Model{{module}}(BaseModel):
            name: str
            nick: str | None

            @validator("name")
            def strip(cls, value):
                return value.strip()


        def save(model: Model{{module}}):
            return model.dict()

        """;

    private static string New(int module) => $$"""
        from pydantic import BaseModel, field_validator


        class Model{{module}}(BaseModel):
            name: str
            nick: str | None = None

            @field_validator("name")
            @classmethod
            def strip(cls, value):
                return value.strip()


        def save(model: Model{{module}}):
            return model.model_dump()

        """;
}
