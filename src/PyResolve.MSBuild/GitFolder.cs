using System;
using System.IO;

namespace PyResolve.MSBuild;

/// <summary>The git repository of a project, read from its files: git itself may not be there, and would take longer.</summary>
internal sealed class GitFolder
{
    private readonly string _folder;
    private readonly string _common;

    private GitFolder(string folder)
    {
        _folder = folder;
        var common = ReadLine(Path.Combine(folder, "commondir"));
        _common = common is { Length: > 0 } ? Path.GetFullPath(Path.Combine(folder, common)) : folder;
    }

    public static GitFolder? Find(string start)
    {
        for (var folder = start; folder is { Length: > 0 }; folder = Path.GetDirectoryName(folder))
        {
            var git = Path.Combine(folder, ".git");
            if (Directory.Exists(git))
                return new GitFolder(git);
            // A file in a worktree or a submodule.
            const string Pointer = "gitdir: ";
            if (ReadLine(git) is { } line && line.StartsWith(Pointer, StringComparison.Ordinal))
                return new GitFolder(Path.GetFullPath(Path.Combine(folder, line.Substring(Pointer.Length))));
        }
        return null;
    }

    /// <summary>The commit that is checked out; <see langword="null"/> before the first one.</summary>
    public string? FindHead()
    {
        const string Reference = "ref: ";
        var head = ReadLine(Path.Combine(_folder, "HEAD"));
        if (head is null || !head.StartsWith(Reference, StringComparison.Ordinal))
            return IsCommit(head) ? head : null;
        var name = head.Substring(Reference.Length);
        var commit = ReadLine(Path.Combine(_common, name)) ?? FindPacked(name);
        return IsCommit(commit) ? commit : null;
    }

    /// <summary>The address of the remote "origin".</summary>
    public string? FindOrigin()
    {
        var isOrigin = false;
        foreach (var line in ReadLines(Path.Combine(_common, "config")))
        {
            var text = line.Trim();
            if (text.StartsWith("[", StringComparison.Ordinal))
                isOrigin = text == "[remote \"origin\"]";
            else if (isOrigin && text.StartsWith("url", StringComparison.Ordinal) && text.IndexOf('=') is > 0 and var equals)
                return text.Substring(equals + 1).Trim();
        }
        return null;
    }

    private string? FindPacked(string name)
    {
        foreach (var line in ReadLines(Path.Combine(_common, "packed-refs")))
        {
            if (line.EndsWith(" " + name, StringComparison.Ordinal))
                return line.Substring(0, line.Length - name.Length - 1);
        }
        return null;
    }

    private static bool IsCommit(string? text)
    {
        if (text is not { Length: >= 40 and <= 64 })
            return false;
        foreach (var c in text)
        {
            if (c is not ((>= '0' and <= '9') or (>= 'a' and <= 'f')))
                return false;
        }
        return true;
    }

    private static string? ReadLine(string file) => ReadLines(file) is [var first, ..] ? first.Trim() : null;

    private static string[] ReadLines(string file)
    {
        try
        {
            return File.Exists(file) ? File.ReadAllLines(file) : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
