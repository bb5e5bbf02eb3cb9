package dev.atoll.tests.usage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atoll.domain.Isolation;
import dev.atoll.tests.AtollNode;
import dev.atoll.tests.EachIsolation;
import dev.atoll.tests.Inside;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;

/** The tools an agent reaches for first, in a sandbox of the base template. Needs the package registries. */
@EachIsolation
class EverydayToolsTest {
    @Parameter
    Isolation isolation = Isolation.CONTAINER;

    @SuppressWarnings("NullAway.Init") // before the first test of each class
    private static Inside box;

    @BeforeParameterizedClassInvocation
    static void create(Isolation isolation) {
        box = AtollNode.shared().inside(AtollNode.base(isolation));
    }

    @AfterParameterizedClassInvocation
    static void delete() {
        box.close();
    }

    @Test
    void aptInstallsAPackage() {
        box.sh("apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq tree >/tmp/apt.log 2>&1 || { cat /tmp/apt.log; exit 1; }");
        assertThat(box.sh("tree --version")).startsWith("tree v");
    }

    @Test
    void sudoWorksForAnOrdinaryUser() {
        box.sh("useradd -m worker && echo 'worker ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/worker");
        assertThat(box.sh("su worker -c 'sudo id -u'").strip()).isEqualTo("0");
    }

    @Test
    void pipInstallsAPackageThatImports() {
        box.sh("pip install -q six==1.16.0");
        assertThat(box.sh("python -c 'import six; print(six.__version__)'").strip()).isEqualTo("1.16.0");
    }

    @Test
    void npmInstallsAPackageThatLoads() {
        box.sh("mkdir -p /tmp/js && cd /tmp/js && npm init -y >/dev/null && npm install --silent is-number@7.0.0");
        assertThat(box.sh("cd /tmp/js && node -e 'console.log(require(\"is-number\")(5))'").strip()).isEqualTo("true");
    }

    @Test
    void gitClonesALocalRepository() {
        box.sh("""
                git init -q /tmp/origin && cd /tmp/origin
                git config user.email a@b.c && git config user.name n
                echo hi > f && git add f && git commit -qm one
                git clone -q /tmp/origin /tmp/clone
                """);
        assertThat(box.sh("cat /tmp/clone/f").strip()).isEqualTo("hi");
    }

    /** Overlay without redirect_dir answers EXDEV here, which breaks npm, pip and git. */
    @Test
    void aDirectoryOfTheImageCanBeRenamed() {
        box.sh("python3 -c \"import os; os.rename('/usr/share/doc', '/usr/share/doc-moved'); os.rename('/usr/share/doc-moved', '/usr/share/doc')\"");
    }

    @Test
    void aServerStartedInTheBackgroundOutlivesTheCommandThatStartedIt() {
        box.sh("mkdir -p /tmp/www && echo served > /tmp/www/index.html; cd /tmp/www && nohup python3 -m http.server 8123 >/tmp/www.log 2>&1 &");
        assertThat(box.sh("for i in $(seq 100); do curl -sf http://127.0.0.1:8123/ && exit 0; sleep 0.05; done; exit 1").strip())
                .isEqualTo("served");
    }

    @Test
    void pingWorksForRootAndForOthers() {
        box.sh("ping -c1 -W2 127.0.0.1");
        assertThat(box.exitCodeAs("nobody", "ping -c1 -W2 127.0.0.1")).isZero();
    }

    @Test
    void aLowPortCanBeBound() {
        assertThat(box.python("import socket; s = socket.socket(); s.bind(('0.0.0.0', 80)); print('bound')").strip())
                .isEqualTo("bound");
    }

    @Test
    void aFileOfAnotherUserKeepsItsOwnerAndSetuidBit() {
        box.sh("cp /bin/true /tmp/su && chown 33:33 /tmp/su && chmod 4755 /tmp/su");
        assertThat(box.sh("stat -c '%u %a' /tmp/su").strip()).isEqualTo("33 4755");
    }
}
